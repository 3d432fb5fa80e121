A=(one "two three" $(four))
A+=(<(five) `six`)
for x in "${A[@]}"; do [[ $x < y || $x == (a|b) ]] || { echo $x; break; }; done
(cd sub; ! ls) && while read -r l; do eval "$l"; done < in
