# shellcheck shell=bash
# Functions that make a minimal Debian in a folder, and end what runs in it; for scripts that
# source this and are in a mount namespace of their own.
#
# What is made is thrown away soon: dpkg syncs nothing in it.
#
# They use the variables `suite` (its name), `scratch` (a temporary folder) and `root` (below that).
# shellcheck disable=SC2034,SC2154 # variables of those who source this

clean_environment=(env -i --default-signal=INT --default-signal=QUIT HOME=/root LANG=C.UTF-8
	PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)

# Whatever runs in the folder, or in our mount namespace, and is not this script.
our_processes() {
	for folder in /proc/[0-9]*; do
		pid=${folder#/proc/}
		case $pid in
		"$$" | "$BASHPID") continue ;;
		esac
		if [ "$folder/root/" -ef "$root" ] || [ "$folder/ns/mnt" -ef /proc/$$/ns/mnt ]; then
			echo "$pid"
		fi
	done
}

end_processes() {
	for _ in {1..50}; do
		mapfile -t left < <(our_processes)
		[ ${#left[@]} -gt 0 ] || return 0
		kill -KILL "${left[@]}" 2>/dev/null
		sleep 0.1
	done
	echo "${0##*/}: still running in $root: ${left[*]}" >&2
	return 1
}

# "URI SUITE" of each of this machine's repositories of a suite; apt itself reads its formats.
repositories() {
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' | awk -v suite="$1" '$3 == "main" &&
			($2 == suite || $2 == suite "-updates" || $2 == suite "-security") {
				print $1, $2
			}' | sort -u
}

# What this machine's apt knows of the suite; of another release, the mirror that it gets its own from.
# Fails, with nothing made, if it knows neither.
find_repositories() {
	local own
	repositories "$suite" >"$scratch/repositories" || return 1
	! grep -q " $suite\$" "$scratch/repositories" || return 0
	# shellcheck disable=SC1091
	own=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	repositories "$own" | awk -v own="$own" -v suite="$suite" '$2 == own { print $1, suite }' \
		>"$scratch/repositories"
	[ -s "$scratch/repositories" ]
}

install_debootstrap() {
	apt-get -qq update &&
		DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install debootstrap
}

# One that another test has made here within a day is as good as new.
minimal_system() {
	local kept
	kept=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)/build/minimal-$suite.tar
	if [ -n "$(find "$kept" -mtime -1 2>/dev/null)" ]; then
		tar -x -C "$root" --numeric-owner -f "$kept"
		return
	fi
	debootstrap --variant=minbase ${more:+"$more"} "$suite" "$root" "$mirror" &&
		mkdir -p "${kept%/*}" &&
		tar -c -C "$root" --numeric-owner --one-file-system -f "$kept.$$" . &&
		mv "$kept.$$" "$kept"
}

make_root() {
	mirror=$(awk -v suite="$suite" '$2 == suite { print $1; exit }' "$scratch/repositories")
	more=
	! grep -q '^https:' "$scratch/repositories" || more=--include=ca-certificates
	# No package may start a daemon. Proxies, and what makes apt accept the mirror, are taken over.
	mkdir -m 755 "$root" && minimal_system &&
		sed 's/.*/deb & main/' "$scratch/repositories" >"$root/etc/apt/sources.list" &&
		apt-config dump >"$scratch/apt.conf" &&
		sed -n -E '/^Acquire::(http|https|Check-[A-Za-z-]+)[: ]/p' "$scratch/apt.conf" \
			>"$root/etc/apt/apt.conf.d/99fresh-root" &&
		echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io" &&
		cp -L /etc/resolv.conf /etc/hosts "$root/etc/" &&
		printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" &&
		chmod 755 "$root/usr/sbin/policy-rc.d"
}

# /dev is what debootstrap made: null, zero, full, random, urandom, tty, ptmx.
mount_all() {
	# `ip netns exec` changes the propagation of /, which must be a mount for that.
	mount --bind "$root" "$root" &&
		mount -t proc proc "$root/proc" &&
		mount --rbind /sys "$root/sys" &&
		mount -o remount,bind,ro "$root/sys" &&
		mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$root/dev/pts" &&
		mount -t tmpfs -o nosuid,nodev tmpfs "$root/dev/shm"
}
