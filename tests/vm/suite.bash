# shellcheck shell=bash
# Functions that get packages of a release of Debian for another machine, for scripts that source this.
#
# They install nothing: each release has lists and a cache of its own below `folder`. They use the
# variables `machine` (as Debian calls it) and `folder`, and the function `fail` of those who source this.
# shellcheck disable=SC2154 # variables of those who source this

# Where this machine's apt gets Debian from; apt itself reads its formats.
mirror() {
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' | awk '$3 == "main" && $2 ~ /^[a-z]+$/ { print $1; exit }'
}

# apt for a suite of that machine, with lists and a cache of its own. As root it can do without a
# second user.
suite_apt() {
	command=$1 apt=$folder/apt-$2
	shift 2
	"$command" -q -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
		-o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none \
		-o APT::Architecture="$machine" -o APT::Architectures="$machine" \
		-o APT::Install-Recommends=false "$@"
}

update_suite() {
	apt=$folder/apt-$1
	[ ! -e "$apt/updated" ] || return 0
	uri=$(mirror)
	[ -n "$uri" ] || fail "this machine's apt has no repository of Debian"
	rm -rf "$apt"
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	: >"$apt/status"
	echo "deb $uri $1 main" >"$apt/sources.list"
	suite_apt apt-get "$1" update && touch "$apt/updated"
}
