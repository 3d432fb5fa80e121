cat <<E | sed s/a/b/ | bash
claude -p `cat x` $(date) ${{ github.event.issue.title }}
E
cat <<-'F' > go.sh
	gemini -p x
	F
bash go.sh <<< "y" 3>&1 &> log
