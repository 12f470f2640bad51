# The doorbell of the house: everything that a person or a machine does here is one of these words.
# Meson and ninja do the work, each kind of build in a folder of its own.

PYTHON       = /usr/bin/python3
ARGS         =
FUZZ_SECONDS = 60
MINUTES      = 5
PROCESSES    = 2
PREFIX       = /usr/local
DESTDIR      =

SANITIZE     = -Db_lundef=false -Dc_args=-fno-sanitize-recover=all
# What is installed or measured is optimised as a whole: a tenth fewer instructions for a request. clang wants a linker of its own for it.
WHOLE        = $(if $(findstring clang,$(CC)),,-Db_lto=true)
MESON_TEST   = meson test -t 3 --no-rebuild --print-errorlogs
SOURCES      = $$(find src bench tools -name '*.[ch]')

export PYTHONDONTWRITEBYTECODE = 1
export ASAN_OPTIONS  ?= detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS  ?= halt_on_error=1:second_deadlock_stack=1

# $(call hand_back,FOLDER): whoever builds through sudo must be able to go on without it, however this ends
hand_back    = trap '[ -z "$$SUDO_UID" ] || [ ! -d $(1) ] || chown -R "$$SUDO_UID:$$SUDO_GID" $(1)' EXIT

# $(call configure,FOLDER,OPTIONS): once; ninja configures anew when a build file changes
configure    = test -f $(1)/build.ninja || meson setup $(1) $(2)

# Each recipe is one script, which ends with its first failure.
.ONESHELL:
.SHELLFLAGS = -ec

.DEFAULT_GOAL = help
.PHONY: help build start test test-kernel test-avx512 soak asan tsan fuzz bench cover lint format docs install dist clean

help:
	@echo 'make start            install what is missing, build, and show keep and gate at work'
	echo '                      ARGS="--once --port N --frontend-port N --backend-port N --size 64M"'
	echo 'make test             install what is missing and run every test; PROCESSES=0: one at a time'
	echo
	echo 'make build            the programs: build/keep and build/gate'
	echo 'make install          PREFIX=/usr/local DESTDIR='
	echo 'make lint format      check the style and the floors; format the sources'
	echo 'make asan tsan        unit tests and fuzzer inputs with sanitizers'
	echo 'make test-kernel      keep and a real kernel open the volumes of each other, in a virtual machine'
	echo 'make test-avx512      the rows of crypto for AVX-512, in an emulated processor'
	echo 'make fuzz             every fuzzer for FUZZ_SECONDS=60'
	echo 'make soak             tests that go on: MINUTES=5 for each, ARGS="-k crash"'
	echo 'make cover            which lines the unit tests reach'
	echo 'make bench            gate beside nginx and HAProxy, a volume beside a plain file, a folder beside its peers'
	echo 'make docs dist clean  check and render the manual; a source archive; start over'

build:
	@tools/install.sh build
	$(call hand_back,build)
	$(call configure,build,--prefix=$(PREFIX) $(WHOLE))
	ninja -C build keep gate

start:
	@tools/install.sh build run
	$(MAKE) --no-print-directory build
	exec $(PYTHON) examples/start $(ARGS)

test:
	@tools/install.sh build run test
	$(call hand_back,build-test)
	echo '== sources'
	tools/lint.sh quick
	echo '== build (warnings are errors) and unit tests'
	$(call configure,build-test,-Dwerror=true -Dtests=enabled)
	ninja -C build-test
	$(MESON_TEST) -C build-test
	$(MAKE) --no-print-directory asan
	echo '== whole programs'
	KEEPGATE_BUILD=build-test $(PYTHON) -m pytest -p no:cacheprovider -ra --durations=5 --ignore=tests/kernel --ignore=tests/avx512 \
		-n $(PROCESSES) --dist loadfile tests/keep tests

test-kernel:
	@tools/install.sh build run kernel
	$(call hand_back,build-test)
	$(call configure,build-test,-Dwerror=true -Dtests=enabled)
	ninja -C build-test keep tests/keep/posix/fsx
	KEEPGATE_BUILD=build-test $(PYTHON) -m pytest -p no:cacheprovider -ra --durations=5 tests/kernel $(ARGS)

test-avx512:
	@tools/install.sh build avx512
	$(PYTHON) -m pytest -p no:cacheprovider -s tests/avx512 $(ARGS)

asan:
	@tools/install.sh build test
	$(call hand_back,build-asan)
	echo '== unit tests and fuzzer inputs under AddressSanitizer and UndefinedBehaviorSanitizer'
	$(call configure,build-asan,-Dtests=enabled -Db_sanitize=address$(,)undefined -Doptimization=1 $(SANITIZE))
	ninja -C build-asan meson-test-prereq keep tests/keep/posix/fsx tests/keep/posix/pass_mount
	$(MESON_TEST) -C build-asan
	echo '== malformed headers of others, where that corpus is'
	KEEPGATE_BUILD=build-asan $(PYTHON) -m pytest -p no:cacheprovider -q -k 'refused or sound' tests/keep/test_corpus.py
	echo '== folders through FUSE'
	KEEPGATE_BUILD=build-asan $(PYTHON) -m pytest -p no:cacheprovider -q -k 'folder and not compile' tests/keep/posix

tsan:
	@tools/install.sh build test
	$(call hand_back,build-tsan)
	$(call configure,build-tsan,-Dtests=enabled -Db_sanitize=thread $(SANITIZE))
	ninja -C build-tsan
	setarch -R $(MESON_TEST) -C build-tsan --suite unit
	KEEPGATE_BUILD=build-tsan TSAN_OPTIONS=halt_on_error=1 setarch -R $(PYTHON) -m pytest -p no:cacheprovider -q \
		-k 'folder and not compile' tests/keep/posix

fuzz:
	@tools/install.sh build fuzz test
	$(call hand_back,build-fuzz)
	CC=clang; export CC; $(call configure,build-fuzz,-Dfuzz=true -Db_sanitize=address$(,)undefined \
		-Db_lundef=false -Dc_args=-fno-sanitize-recover=all)
	ninja -C build-fuzz
	$(PYTHON) tools/fuzz.py build-fuzz $(FUZZ_SECONDS) $(ARGS)

bench:
	@tools/install.sh build run bench
	$(call hand_back,build-bench)
	$(call configure,build-bench,$(WHOLE) -Dbuildtype=release -Dtests=disabled -Dbench=true)
	ninja -C build-bench keep gate bench/bench-origin bench/bench-load bench/bench-file bench/bench-null-face \
		bench/folder_work tests/keep/posix/pass_mount
	$(PYTHON) bench/run --build build-bench $(ARGS)

soak:
	@tools/install.sh build run test
	$(call hand_back,build-test)
	$(call configure,build-test,-Dwerror=true -Dtests=enabled)
	ninja -C build-test keep gate tests/keep/posix/pass_mount tests/keep/posix/fsx tests/keep/power/recorded_disk
	KEEPGATE_BUILD=build-test $(PYTHON) -m pytest -p no:cacheprovider -o 'python_files=soak_*.py' -ra \
		--minutes=$(MINUTES) $(ARGS) tests/soak
	KEEPGATE_BUILD=build-test KEEPGATE_SOAK=1 $(PYTHON) -m pytest -p no:cacheprovider -ra tests/keep/posix tests/keep/test_reencrypt.py \
		tests/keep/test_folder_power.py

cover:
	@tools/install.sh build test cover
	$(call hand_back,build-cover)
	$(call configure,build-cover,-Dtests=enabled -Db_coverage=true)
	ninja -C build-cover
	$(MESON_TEST) -C build-cover
	gcovr --root . --filter src/ --exclude '.*/(test|fuzz)/' --sort-percentage build-cover

lint:
	@tools/install.sh lint
	tools/lint.sh

format:
	@tools/install.sh lint
	clang-format -i $(SOURCES)

docs:
	@tools/install.sh lint
	mkdir -p build-docs
	for page in man/*.[1-8]; do
		mandoc -T lint -W warning "$$page"
		mandoc -T html -O man=%N.%S.html "$$page" >build-docs/$$(basename "$$page").html
	done
	echo 'build-docs/ holds the pages'

install:
	@tools/install.sh build
	$(call hand_back,build)
	$(call configure,build,--prefix=$(PREFIX) $(WHOLE))
	meson configure build --prefix=$(PREFIX)
	ninja -C build keep gate completions
	meson install --no-rebuild -C build $(if $(DESTDIR),--destdir $(DESTDIR))

dist:
	@tools/install.sh build
	$(call configure,build,--prefix=$(PREFIX) $(WHOLE))
	meson dist -C build --no-tests

clean:
	rm -rf build build-*

, = ,
