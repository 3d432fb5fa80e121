set -euo pipefail
CLI=(npx -y @openai/codex)
run() { timeout 5m "${CLI[@]}" exec "$1"; }
case "$1" in a|b) run "${X:-"x y"}" ;; *) exit 1 ;; esac
docker compose -f x.yml run --rm -e A=1 app claude -p "$(cat <<'E'
it's
E
)" 2>&1 | tee out.txt
