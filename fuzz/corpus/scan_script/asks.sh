P=$(gh api "repos/$GITHUB_REPOSITORY/collaborators/$ACTOR/permission" -q .permission)
if [[ "$P" =~ ^(admin|write)$ ]] && [[ ! " a b " =~ " ${ACTOR} " ]]; then
  { echo "ok=true"; echo "who=$ACTOR"; } >> "$GITHUB_OUTPUT"
else
  echo "ok=false" >> "$GITHUB_OUTPUT"; exit 1
fi
