T="${{ secrets.KEY }}"
echo "x=$T" >> "$GITHUB_OUTPUT"
printf 'y=%s\n' "$KEY" | tee -a $GITHUB_ENV
cat >> "$GITHUB_OUTPUT" <<E
z=${KEY}
E
echo "::set-output name=ok::true"
