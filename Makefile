# tunerd. Two commands do everything: `make run` and `make test`.
#   make deps   installs what is missing (Debian packages)      make check  format, lint, static analysis
#   make        builds build/tunerd, build/tuner-worker, build/tunerctl
#   make bench  ratios against references measured in one run   make install PREFIX=/usr/local DESTDIR=
# V=release|asan|tsan chooses the build; all of it goes to $(B)/$(V)/.

B ?= build
V ?= release
PREFIX ?= /usr/local
CC ?= gcc
PYTHON ?= /usr/bin/python3

VERSION := 0.1.0
WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
        -Wvla -Wformat=2 -Wundef -Wwrite-strings
CFLAGS_release := -O2 -g -DNDEBUG
CFLAGS_asan := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -g -fsanitize=thread
LDFLAGS_asan := -fsanitize=address,undefined
LDFLAGS_tsan := -fsanitize=thread
O := $(B)/$(V)

CPPFLAGS := -I. -I$(O)/gen -D_GNU_SOURCE -DTUNERD_VERSION='"$(VERSION)"'
LIBS := -lmicrohttpd -lcjson -lsqlite3 -lzmq -lsodium -lopenblas -lz -lcurl -lsystemd -lmuparser -lm -lpthread

comma := ,
find_c = $(sort $(shell find $(1) -name '*.c' 2>/dev/null))
COMMON := $(call find_c,common)
SEARCH := $(call find_c,coordinator/search)
ENGINE := $(call find_c,worker/engine)
CTL := $(call find_c,coordinator/ctl)
COORDINATOR := $(filter-out $(SEARCH) $(CTL) coordinator/main.c,$(call find_c,coordinator))
WORKER := $(filter-out $(ENGINE) worker/main.c,$(call find_c,worker))
obj = $(patsubst %.c,$(O)/%.o,$(1))

LIB_NAMES := common search engine coordinator worker ctl
$(O)/libcommon.a: $(call obj,$(COMMON))
$(O)/libsearch.a: $(call obj,$(SEARCH))
$(O)/libengine.a: $(call obj,$(ENGINE))
$(O)/libcoordinator.a: $(call obj,$(COORDINATOR)) $(O)/gen/assets.o $(O)/gen/openapi.o
$(O)/libworker.a: $(call obj,$(WORKER))
$(O)/libctl.a: $(call obj,$(filter-out coordinator/ctl/main.c,$(CTL)))

.DEFAULT_GOAL := all
.PHONY: all deps run test unit check bench install clean format
all: $(O)/tunerd $(O)/tuner-worker $(O)/tunerctl
ifeq ($(V),release)
all: $(B)/tunerd $(B)/tuner-worker $(B)/tunerctl
$(B)/%: $(O)/%
	@ln -sf $(V)/$* $@
endif

%.a:
	@rm -f $@
	@$(AR) rcs $@ $^

# The engine: loops want -O3, and nothing is vectorised while libm may set errno. Compiled a second time
# in double precision, for the tests named *_double.
CFLAGS_engine := $(if $(filter release,$(V)),-O3) -fno-math-errno -fno-trapping-math
$(O)/worker/engine/%.o $(O)/double/worker/engine/%.o: CFLAGS += $(CFLAGS_engine)
$(O)/tests/conformance/%_double.o: CPPFLAGS += -DENGINE_REAL_DOUBLE
$(O)/libengine_double.a: $(patsubst %.c,$(O)/double/%.o,$(ENGINE))
$(O)/double/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) -std=gnu11 $(WARN) $(CFLAGS_$(V)) $(CFLAGS) $(CPPFLAGS) -DENGINE_REAL_DOUBLE -MMD -MP -c -o $@ $<

$(O)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) -std=gnu11 $(WARN) $(CFLAGS_$(V)) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# The searches' arithmetic gives the same bits wherever a study is replayed: no fused multiply-add.
$(O)/coordinator/search/%.o: CFLAGS += -ffp-contract=off -fno-math-errno -fno-trapping-math
$(B)/release/coordinator/search/%.o: CFLAGS += -O3

# schema/migrations/*.sql as C: {number, name, text}, in the order of their numbers.
MIGRATIONS := $(sort $(wildcard schema/migrations/*.sql))
$(O)/gen/gen_migrations.h: $(MIGRATIONS) Makefile
	@mkdir -p $(@D)
	@{ echo '#define MIGRATIONS \\'; for f in $(MIGRATIONS); do n=$$(basename $$f .sql); \
	   echo "{ $$(expr $${n%%_*} + 0), \"$$n\", \\"; \
	   sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n" \\/' $$f; echo '}, \\'; done; echo; } > $@
$(O)/coordinator/store/migrate.o: $(O)/gen/gen_migrations.h

# The dashboard: bundled by esbuild, gzipped and written as C for the coordinator's static files.
WEB := $(shell find web -type f 2>/dev/null)
ESBUILD := NODE_PATH=web/vendor esbuild --log-level=warning --bundle --minify --charset=utf8 --target=es2021 \
           --jsx=automatic --jsx-import-source=preact --define:TUNERD_VERSION='"$(VERSION)"' \
           --asset-names=[name] --entry-names=[name] --loader:.woff2=file
$(O)/gen/assets.c: $(WEB)
	@rm -rf $(@D)/web && mkdir -p $(@D)/web
	cp web/index.html web/favicon.svg $(@D)/web
	$(ESBUILD) --outdir=$(@D)/web web/src/app.jsx web/src/stream/stream.js web/styles/app.css
	$(PYTHON) web/assets.py $(@D)/web > $@.new && mv $@.new $@
# schema/openapi.yaml as C for GET /openapi.json.
$(O)/gen/openapi.c: schema/openapi.yaml schema/openapi.py
	@mkdir -p $(@D)
	$(PYTHON) schema/openapi.py $< > $@.new && mv $@.new $@
$(O)/gen/assets.o $(O)/gen/openapi.o: $(O)/gen/%.o: $(O)/gen/%.c
	@echo "  CC      $<"
	@$(CC) -std=gnu11 $(WARN) $(CFLAGS_$(V)) $(CFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

link = @echo "  LINK    $@" && $(CC) $(LDFLAGS_$(V)) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)
$(O)/tunerd: $(O)/coordinator/main.o $(O)/libcoordinator.a $(O)/libsearch.a $(O)/libcommon.a
	$(link)
$(O)/tuner-worker: $(O)/worker/main.o $(O)/libworker.a $(O)/libengine.a $(O)/libcommon.a
	$(link)
$(O)/tunerctl: $(O)/coordinator/ctl/main.o $(O)/libctl.a $(O)/libcommon.a
	$(link)

# Every tests/unit/*.c and tests/conformance/*.c is a cmocka program of its own.
TEST_SOURCES := $(wildcard tests/unit/*.c tests/conformance/*.c)
TESTS := $(patsubst %.c,$(O)/%,$(TEST_SOURCES))
unit: $(TESTS)
# Programs that tests in Python talk to.
TEST_TOOLS := $(patsubst %.c,$(O)/%,$(wildcard tests/tools/*.c))
unit: $(TEST_TOOLS)
$(O)/tests/tools/kernels_digest: $(O)/libengine.a
$(TEST_TOOLS): $(O)/%: $(O)/%.o $(O)/libcommon.a
	$(link)

# The engine for arm64 by Debian's cross compiler, and what of it runs under qemu without other libraries.
portable:
	@$(MAKE) --no-print-directory B=$(B)/arm64 V=release CC=aarch64-linux-gnu-gcc AR=aarch64-linux-gnu-ar \
	    LIBS=-lm LDFLAGS=-static $(B)/arm64/release/libengine.a $(B)/arm64/release/tests/tools/kernels_digest
.PHONY: portable
TESTS_DOUBLE := $(filter %_double,$(TESTS))
$(TESTS_DOUBLE): $(O)/%: $(O)/%.o $(O)/libengine_double.a $(O)/libcommon.a
	$(link) -lcmocka
# The program in engine.h's comment: its lines are the indented ones, from the first #include on.
$(O)/gen/engine_example.c: worker/engine/engine.h
	@mkdir -p $(@D)
	@sed -n -e '/^\/\/     #include/,/^\/\/     }$$/ { s|^//     ||; s|^//$$||; p }' $< > $@
$(O)/tests/unit/test_engine_example.o: $(O)/gen/engine_example.c
$(O)/tests/unit/test_engine_allocations: LDFLAGS += \
    $(addprefix -Wl$(comma)--wrap=,malloc calloc realloc aligned_alloc posix_memalign strdup)
$(filter-out $(TESTS_DOUBLE),$(TESTS)): $(O)/%: $(O)/%.o $(addprefix $(O)/lib,coordinator.a worker.a search.a engine.a ctl.a common.a)
	$(link) -lcmocka

# The study's JSON Schema from the catalogue's tables; tests/system/test_schema.py tells when it is stale.
schema: $(O)/tests/tools/spec_check
	$< --tables | $(PYTHON) schema/study_schema.py > schema/study.schema.json.new
	@mv schema/study.schema.json.new schema/study.schema.json
.PHONY: schema

BENCH_SOURCES := $(wildcard tests/bench/*.c)
BENCHES := $(patsubst %.c,$(O)/%,$(BENCH_SOURCES))
$(BENCHES): $(O)/%: $(O)/%.o $(addprefix $(O)/lib,coordinator.a worker.a search.a engine.a common.a)
	$(link)

$(O)/tests/bench/bench_search $(O)/tests/unit/test_search_quality: $(addprefix $(O)/tests/bench/search/,play.o problems.o drawn.o)
$(addprefix $(O)/tests/unit/,test_search test_search_fidelity test_search_halving test_search_parallel test_search_warm) $(O)/tests/conformance/test_hyperband: $(O)/tests/search_sim.o
$(O)/tests/unit/test_simulation: $(O)/tests/fleet_sim.o

deps:
	@deploy/deps.sh run

run: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@deploy/run.sh

# Sanitizers on everything; the daemons under test are the same build.
test:
	@deploy/deps.sh run test
	@$(MAKE) --no-print-directory -j$$(nproc) V=asan all unit
	@$(MAKE) --no-print-directory -j$$(nproc) V=tsan all
	@$(PYTHON) tests/run.py --bin-dir $(B)/asan --tsan-dir $(B)/tsan $(patsubst %.c,$(B)/asan/%,$(TEST_SOURCES))

# An installed configuration is never overwritten: the new example then lies beside it.
SYSCONFDIR ?= /etc
UNITS := tunerd.service tuner-worker.service
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/systemd/system \
	    $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man8 \
	    $(DESTDIR)$(PREFIX)/share/doc/tunerd/examples $(DESTDIR)$(SYSCONFDIR)/tunerd
	install -m 755 $(O)/tunerd $(O)/tuner-worker $(O)/tunerctl $(DESTDIR)$(PREFIX)/bin
	install -m 644 deploy/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 deploy/man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8
	install -m 644 schema/examples/*.json $(DESTDIR)$(PREFIX)/share/doc/tunerd/examples
	for unit in $(UNITS); do \
	    sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' deploy/systemd/$$unit.in \
	        > $(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit 1; done
	for conf in tunerd.conf tuner-worker.conf; do \
	    to=$(DESTDIR)$(SYSCONFDIR)/tunerd/$$conf; [ ! -e $$to ] || to=$$to.new; \
	    install -m 644 deploy/etc/$$conf $$to || exit 1; done

check:
	@deploy/deps.sh run check
	@deploy/check.sh

# The references are measured in the same run. ROUNDS and SEEDS make it shorter.
ROUNDS ?= 5
SEEDS ?= 20
bench:
	@deploy/deps.sh run bench
	@$(MAKE) --no-print-directory -j$$(nproc) V=release all $(patsubst %.c,$(B)/release/%,$(BENCH_SOURCES))
	-$(PYTHON) tests/bench/engine.py $(B)/release/tests/bench/bench_engine $(ROUNDS)
	-$(PYTHON) tests/bench/accuracy.py $(B)/release/tests/bench/bench_accuracy
	-TUNERD_BIN_DIR=$(B) $(PYTHON) tests/bench/throughput.py
	-TUNERD_BIN_DIR=$(B) $(PYTHON) tests/bench/slot_memory.py
	-$(B)/release/tests/bench/bench_metrics
	-$(B)/release/tests/bench/bench_ask
	-TUNERD_BIN_DIR=$(B) $(PYTHON) tests/bench/ask_latency.py
	-$(B)/release/tests/bench/bench_search --set judged --seeds $(SEEDS) > $(B)/search.jsonl
	-$(PYTHON) tests/bench/search_compare.py $(B)/search.jsonl
	-$(PYTHON) tests/bench/regret_plot.py $(B)/search.jsonl $(B)/regret.svg
	-TUNERD_BIN_DIR=$(B) $(PYTHON) tests/bench/multifidelity.py $(ROUNDS)

clean:
	rm -rf $(B)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
