#!/usr/bin/env bash
# Writes the review in a folder into the one comment of its pull request. Run by review-comment.yaml, with GH_TOKEN,
# GITHUB_REPOSITORY and COMMIT, the commit that was reviewed. The folder is not trusted: `number` and `review.json`.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
folder=$1

number=$(head -c 20 -- "$folder/number")
[[ $number =~ ^[1-9][0-9]{0,9}$ ]] || { echo "comment_review.sh: not the number of a pull request" >&2; exit 1; }
# Someone could name another pull request.
[ "$(gh api "repos/$GITHUB_REPOSITORY/pulls/$number" --jq .head.sha)" = "$COMMIT" ] ||
  { echo "comment_review.sh: pull request $number has another commit by now" >&2; exit 0; }

comment=$(mktemp)
trap 'rm -f "$comment"' EXIT
./agora review --from "$folder/review.json" --markdown >"$comment"
marker=$(head -n 1 "$comment")
existing=$(MARKER=$marker gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$number/comments" \
  --jq '.[] | select(.user.login == "github-actions[bot]" and (.body | startswith(env.MARKER))) | .id' | head -n 1)
if [ -n "$existing" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$existing" --field "body=@$comment" --silent
else
  gh api --method POST "repos/$GITHUB_REPOSITORY/issues/$number/comments" --field "body=@$comment" --silent
fi
