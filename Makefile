# Switchyard. `make run` and `make test` do everything on a fresh machine; `make help` lists the rest.
# Variables: CC, OPT (-O2), BUILD (build), VARIANT (release, debug, asan, tiny, planted), V=1 (show commands), PREFIX, DESTDIR;
# of `make fuzz`, which wants clang: FUZZ (targets, all), FUZZ_SECONDS (60, for each).
CC      ?= cc
ifeq ($(origin CC),default)
CC      := cc
endif
VARIANT ?= release
BUILD   ?= build$(if $(filter-out release,$(VARIANT)),/$(VARIANT))
OPT     ?= $(if $(filter debug asan fuzz,$(VARIANT)),-O1,-O2)
PREFIX  ?= /usr/local
Q       := $(if $(V),,@)
SAY      = $(if $(V),,@printf '  %-7s %s\n' "$(1)" "$(2)")

.DEFAULT_GOAL := all

# On a machine without the packages, `deps` installs them before anything is compiled: this file reads itself again.
STAMP   := build/.deps
NODEPS  := help clean deps format install-deps
ifneq ($(filter-out $(NODEPS),$(or $(MAKECMDGOALS),all)),)
-include $(STAMP).mk
endif
$(STAMP).mk: .ci/deps.sh
	$(Q)sh .ci/deps.sh $@

PKGS    := libsodium libprotobuf-c
SIMPKGS := lua5.4 libuv jansson libmicrohttpd
HAVE    := $(wildcard $(STAMP).mk)
CFLAGS_core := $(if $(HAVE),$(shell pkg-config --cflags $(PKGS)))
LIBS_core   := $(if $(HAVE),$(shell pkg-config --libs $(PKGS)))
CFLAGS_sim  := $(if $(HAVE),$(shell pkg-config --cflags $(SIMPKGS)))
LIBS_host   := $(if $(HAVE),$(shell pkg-config --libs libuv jansson))
LIBS_sim    := $(if $(HAVE),$(shell pkg-config --libs $(SIMPKGS)))

WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef -Wvla -Wwrite-strings \
           -Wno-unused-parameter -Wimplicit-fallthrough -Wswitch
BASE    := -std=c11 -D_GNU_SOURCE -I. -g -fno-strict-aliasing -ffp-contract=off -fno-common $(WARN)
VAR_release :=
VAR_debug   := -DSY_DEBUG
VAR_asan    := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer
VAR_fuzz    := $(VAR_asan) -fsanitize=fuzzer-no-link
VAR_tiny    := -DSY_TINY
VAR_planted := -DSY_PLANTED
CFLAGS_all   = $(BASE) $(OPT) $(VAR_$(VARIANT)) $(CFLAGS)
LDFLAGS_all  = $(filter -fsanitize% -fno-sanitize%,$(VAR_$(VARIANT))) $(LDFLAGS)

CORE_SRC := $(sort $(wildcard core/*/*.c))
TP_SRC   := $(sort $(wildcard transport/*.c transport/*/*.c))
SIM_SRC  := $(filter-out sim/cli/main.c,$(sort $(wildcard sim/*/*.c)))
ifeq ($(VARIANT),planted)
SIM_SRC  += tests/planted/nondeterminism.c
endif
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
HELP_SRC := $(sort $(wildcard tests/support/*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
EX_SRC   := $(sort $(wildcard docs/examples/*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
CORE_LIB := $(BUILD)/libswitchyard-core.a
TP_LIB   := $(BUILD)/libswitchyard-transport.a
SIM_LIB  := $(BUILD)/libswitchyard-sim.a
BIN      := $(BUILD)/switchyard
UNITS    := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
FUZZED   := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/test_%,$(FUZZ_SRC))
FUZZERS  := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(FUZZ_SRC))
BENCHES  := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SRC))
EXAMPLES := $(patsubst docs/examples/%.c,$(BUILD)/examples/%,$(EX_SRC))

.PHONY: all run test check-deep bench fidelity fuzz install clean help format units fuzzers benches examples deps
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BIN) examples

$(BUILD)/obj/core/%.o: core/%.c
	$(call SAY,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_all) $(CFLAGS_core) -MMD -MP -c $< -o $@
$(BUILD)/obj/%.o: %.c
	$(call SAY,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_all) $(CFLAGS_core) $(CFLAGS_sim) -MMD -MP -c $< -o $@

# Messages for tests: protobuf-c is the oracle of the formats that core codes by hand.
GEN      := $(BUILD)/gen/testmsg.pb-c
GEN_OBJ  := $(BUILD)/obj/gen/testmsg.pb-c.o
$(GEN).h $(GEN).c &: tests/support/testmsg.proto
	$(call SAY,PROTOC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)protoc-c --proto_path=tests/support --c_out=$(@D) $<
$(GEN_OBJ): $(GEN).c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_all) -w -I$(BUILD)/gen $(CFLAGS_core) -c $< -o $@
$(call obj,$(UNIT_SRC) $(FUZZ_SRC)): CFLAGS_core += -I$(BUILD)/gen
$(call obj,$(UNIT_SRC) $(FUZZ_SRC)): | $(GEN).h

define archive
	$(call SAY,AR,$@)
	$(Q)rm -f $@
	$(Q)ar rcsD $@ $^
endef
$(CORE_LIB): $(call obj,$(CORE_SRC))
	$(archive)
$(TP_LIB): $(call obj,$(TP_SRC))
	$(archive)
$(SIM_LIB): $(call obj,$(SIM_SRC))
	$(archive)

$(BIN): $(BUILD)/obj/sim/cli/main.o $(SIM_LIB) $(TP_LIB) $(CORE_LIB)
	$(call SAY,LD,$@)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(LIBS_sim) $(LIBS_core) -lm

$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(call obj,$(HELP_SRC)) $(GEN_OBJ) $(SIM_LIB) $(TP_LIB) $(CORE_LIB)
	$(call SAY,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $< $(call obj,$(HELP_SRC)) $(GEN_OBJ) $(SIM_LIB) $(TP_LIB) $(CORE_LIB) $(LIBS_sim) $(LIBS_core) -lcmocka -lm

# Fuzz targets: their kept inputs replayed as a test; and, in VARIANT=fuzz, driven by libFuzzer.
FUZZ_OBJ := $(call obj,tests/fuzz/fuzz.c $(HELP_SRC)) $(GEN_OBJ)
$(BUILD)/tests/test_fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(call obj,tests/fuzz/replay.c) $(FUZZ_OBJ) $(SIM_LIB) $(TP_LIB) $(CORE_LIB)
	$(call SAY,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(LIBS_sim) $(LIBS_core) -lcmocka -lm
$(FUZZERS): $(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(FUZZ_OBJ) $(SIM_LIB) $(TP_LIB) $(CORE_LIB)
	$(call SAY,LD,$@)
	$(Q)$(CC) $(LDFLAGS_all) -fsanitize=fuzzer -o $@ $^ $(LIBS_sim) $(LIBS_core) -lcmocka -lm

# The examples of docs/LIBRARY.md, with what an embedder links.
EX_GEN   := $(BUILD)/gen/chat.pb-c
$(EX_GEN).h $(EX_GEN).c &: docs/examples/chat.proto
	$(call SAY,PROTOC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)protoc-c --proto_path=docs/examples --c_out=$(@D) $<
$(BUILD)/obj/gen/chat.pb-c.o: $(EX_GEN).c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_all) -w -I$(BUILD)/gen $(CFLAGS_core) -c $< -o $@
$(call obj,$(EX_SRC)): CFLAGS_core += -I$(BUILD)/gen
$(call obj,$(EX_SRC)): | $(EX_GEN).h
$(BUILD)/examples/%: $(BUILD)/obj/docs/examples/%.o $(BUILD)/obj/gen/chat.pb-c.o $(TP_LIB) $(CORE_LIB)
	$(call SAY,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(LIBS_host) $(LIBS_core)

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(SIM_LIB) $(TP_LIB) $(CORE_LIB)
	$(call SAY,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_all) -o $@ $^ $(LIBS_sim) $(LIBS_core) -lm

units: $(UNITS) $(FUZZED)
fuzzers: $(FUZZERS)
benches: $(BENCHES)
examples: $(EXAMPLES)

run: $(BIN)
	$(Q)sh scenarios/showcase.sh $(BIN)

test: $(BIN) $(UNITS) $(FUZZED) examples
	$(Q)BUILD=$(BUILD) sh tests/run.sh

check-deep: $(BIN)
	$(Q)sh tests/deep.sh

bench: $(BIN) $(BENCHES)
	$(Q)BUILD=$(BUILD) sh tests/bench/run.sh

fuzz:
	$(Q)$(MAKE) --no-print-directory VARIANT=fuzz BUILD=build/fuzz CC=clang fuzzers
	$(Q)FUZZ="$(FUZZ)" FUZZ_SECONDS="$(FUZZ_SECONDS)" sh tests/fuzz/run.sh build/fuzz

fidelity: $(BIN)
	$(Q)BUILD=$(BUILD) sh tests/fidelity/run.sh

install: $(BIN) examples
	$(Q)DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) BUILD=$(BUILD) sh .ci/install.sh

deps:
	$(Q)rm -f $(STAMP).mk
	$(Q)sh .ci/deps.sh $(STAMP).mk

format:
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	$(Q)rm -rf build out

help:
	@sed -n 's/^# //p' Makefile | head -3
	@echo "targets: all run test check-deep bench fidelity fuzz install deps format clean"

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
