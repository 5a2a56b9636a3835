# make          build/libautograd.a, build/libautograd.so and the demos (V=1 shows the commands)
# make demo     train the blog's network
# make fashion  train a convolutional network on real images, or on drawn digits
# make pictures draw the demos' graphs: SVG and pages to step through, in build/pictures
# make check    pass the tests; SANITIZE=1: under the sanitizers, VALGRIND=1: under valgrind
# make reference  write autograd/OPERATIONS.md: what each operation computes, its rule, its errors as measured here
# make amalgamation  the library as one file to compile, and its header: build/amalgamation/autograd.c, autograd.h
# make install  libraries, headers and manual into PREFIX (/usr/local), below DESTDIR; make uninstall takes them away
# make bench    build/bench, the benchmarks
# make fuzz     run random graphs every way there is until two disagree; SEED, COUNT: which, how many (5000: hours)
# make mutants  break the library on purpose, fault by fault, and tell which faults no test notices (half an hour)
MAKEFLAGS += -r
BUILD ?= build$(if $(SANITIZE),-sanitize)
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS ?= $(if $(SANITIZE),-O1 -g $(SANITIZERS),-O2 -g)
FLAGS = -std=c11 -D_GNU_SOURCE -DAG_BUILDING -fPIC -ffp-contract=off -I$(BUILD) -Iautograd -Inodes \
        -Wall -Wextra -Wpedantic -Wshadow $(CFLAGS) $(if $(SANITIZE),-DAGI_VERIFY_ALL=1)
# zlib, for compressed data, where it is.
LIBS = -Wl,--as-needed -lm -lpthread -ldl $(shell pkg-config --libs-only-l zlib 2>/dev/null)
say = $(if $(V),,@echo '  $1 $@';)

# The vector kernels are compiled once for each instruction set; a run picks one of them.
VECTOR := $(if $(SANITIZE),,-O3) -fno-math-errno -fno-trapping-math -Wno-pass-failed \
          $(shell $(CC) -fveclib=libmvec -E -x c /dev/null >/dev/null 2>&1 && echo -fveclib=libmvec)
ISA_2 = -march=x86-64-v3
ISA_3 = -march=x86-64-v4 -mprefer-vector-width=512
ISAS := 1 $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),2 3)
KERNELS := $(foreach kernels,run/kernels dense/kernels,$(ISAS:%=$(BUILD)/autograd/$(kernels)-%.o))

NODES := $(wildcard nodes/*.c nodes/*/*.c)
SOURCES := $(filter-out %/kernels.c,$(wildcard autograd/*/*.c autograd/*/*/*.c)) $(NODES)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(KERNELS)
TESTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/*.c))
BENCH := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/*.c))
SINGLE := $(patsubst demos/%.c,$(BUILD)/%,$(wildcard demos/*.c))
DEMOS := $(SINGLE) $(BUILD)/derive $(BUILD)/gradbench $(BUILD)/fashion $(BUILD)/char_lm
# Demos of several files; the tests and the benchmarks use all of gradbench but its main.
DERIVE := $(patsubst %.c,$(BUILD)/%.o,$(wildcard demos/derive/*.c))
GRADBENCH := $(patsubst %.c,$(BUILD)/%.o,$(wildcard demos/gradbench/*.c))
CHAR_LM := $(patsubst %.c,$(BUILD)/%.o,$(wildcard demos/char_lm/*.c))
FASHION := $(patsubst %.c,$(BUILD)/%.o,$(wildcard demos/fashion/*.c))
PROBLEMS := $(filter-out %/main.o,$(GRADBENCH))
# What they are measured against is for this machine's processor, as our kernels are.
PRIMALS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/gradbench/*.c))
LIMITS := $(PRIMALS:$(BUILD)/%=$(BUILD)/limits/%)
THIS := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),-march=native -mprefer-vector-width=512)

# What programs may include.
ROOMS = train data networks fit
INSPECT = check pictures report
PUBLIC := autograd.h node.h checked.h emit/export/c_code.h formula/parse.h $(INSPECT:%=inspect/%.h) \
          $(foreach room,$(ROOMS),$(room)/$(room).h)
VERSION := $(shell sed -n 's/.*AG_VERSION "\(.*\)"/\1/p' autograd/autograd.h)

all: $(BUILD)/libautograd.a $(BUILD)/libautograd.so $(DEMOS)

demo: $(BUILD)/blog_network
	$<

# The images are installed where that is possible; digits are drawn where it is not.
fashion: $(BUILD)/fashion
	@test -d /usr/share/datasets/fashion-mnist || \
	$(MAKE) --no-print-directory install-deps PACKAGES=dataset-fashion-mnist || :
	$<

# Graphviz is installed where that is possible.
pictures: $(BUILD)/draw
	@command -v dot >/dev/null || $(MAKE) --no-print-directory install-deps PACKAGES=graphviz
	@rm -rf $(BUILD)/pictures && mkdir -p $(BUILD)/pictures
	$< $(BUILD)/pictures
	@for picture in $(BUILD)/pictures/*.dot; do dot -Tsvg -O $$picture && echo $$picture.svg || exit 1; done

check: $(BUILD)/check $(DEMOS) $(BUILD)/libautograd.so
	$(if $(SANITIZE)$(VALGRIND),CK_FORK=no) \
	$(if $(VALGRIND),AG_ISA=1 AG_QUICK=1 valgrind --error-exitcode=1 --leak-check=full) $<

bench: $(BUILD)/bench

fuzz: $(BUILD)/check
	export SEED=$(or $(SEED),100000) COUNT=$(or $(COUNT),5000) LEVEL=1 NATIVE=2; $< random && $< fuzz

mutants: $(BUILD)/check $(DEMOS)
	tests/mutants/run

$(BUILD)/libautograd.a: $(OBJECTS)
	$(call say,archive)rm -f $@ && ar qcs $@ $^

# Named for all versions that a program linked with one of them may meet; what is seen of it is what headers declare.
$(BUILD)/libautograd.so: $(OBJECTS) | $(BUILD)/seen
	$(call say,link)$(CC) $(CFLAGS) -shared $^ -Wl,-soname,libautograd.so.$(MAJOR) -Wl,--version-script,$(BUILD)/seen \
	$(LDFLAGS) $(LIBS) -o $@
	@ln -sf $(@F) $@.$(MAJOR)

$(BUILD)/seen:
	@mkdir -p $(@D)
	@echo '{ global: ag_*; local: *; };' > $@

$(SINGLE): $(BUILD)/%: $(BUILD)/demos/%.o
$(BUILD)/draw: $(filter-out %/main.o,$(CHAR_LM))
$(BUILD)/derive: $(DERIVE)
$(BUILD)/gradbench: $(GRADBENCH)
$(BUILD)/fashion: $(FASHION)
$(BUILD)/char_lm: $(CHAR_LM)
$(BUILD)/bench: $(BENCH) $(PROBLEMS) $(LIMITS)
$(BUILD)/check: $(TESTS) $(PROBLEMS) $(PRIMALS)
$(BUILD)/gradbench: LDLIBS = -ljansson
$(BUILD)/bench: LDLIBS = -ljansson -lopenblas
# Bound at once, not in each of the processes that the tests run in.
$(BUILD)/check: LDLIBS = $(shell pkg-config --libs check) -ljansson -lmpfr -lgmp -Wl,-z,now
$(DEMOS) $(BUILD)/bench $(BUILD)/check: $(BUILD)/libautograd.a
	$(call say,link)$(CC) $(CFLAGS) $(filter %.o,$^) $(BUILD)/libautograd.a $(LDFLAGS) $(LDLIBS) $(LIBS) -o $@

$(BUILD)/autograd/run/scalar.o $(BUILD)/autograd/graph/arithmetic.o $(BUILD)/autograd/data/rows.o: EXTRA = $(VECTOR)
$(BENCH) $(PRIMALS) $(LIMITS): EXTRA = $(VECTOR) -ffp-contract=fast -fopenmp-simd
$(LIMITS): EXTRA += $(THIS)
$(TESTS): EXTRA = -DTEST_CC='"$(CC) $(CFLAGS)"' -DTEST_BUILD='"$(BUILD)"' -DTEST_LIBS='"$(LIBS)"'

$(BUILD)/autograd/run/kernels-%.o: autograd/run/kernels.c $(BUILD)/pointwise.def $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,compile)$(CC) $(FLAGS) $(VECTOR) -DAG_ISA=$* $(ISA_$*) -MMD -MP -c $< -o $@

$(BUILD)/autograd/dense/kernels-%.o: autograd/dense/kernels.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,compile)$(CC) $(FLAGS) $(VECTOR) -DAG_ISA=$* $(ISA_$*) -MMD -MP -c $< -o $@

$(BUILD)/limits/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,compile)$(CC) $(FLAGS) $(EXTRA) -MMD -MP -c $< -o $@

$(BUILD)/%.o: %.c $(BUILD)/pointwise.def $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,compile)$(CC) $(FLAGS) $(EXTRA) -MMD -MP -c $< -o $@

# The arithmetic of all pointwise operations, one line each; written only when it changes.
$(BUILD)/pointwise.def: $(NODES) nodes nodes/control nodes/fused nodes/shared
	@mkdir -p $(@D)
	@grep -h '^POINTWISE' $(filter %.c,$^) > $@.new; cmp -s $@.new $@ || cp $@.new $@; rm $@.new

# The page of ag_write_html, a string for each line.
$(BUILD)/page.inc: autograd/inspect/page.html
	@mkdir -p $(@D)
	@sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n",/' $< > $@
$(BUILD)/autograd/inspect/page.o: $(BUILD)/page.inc

# What everything is compiled with: other flags compile it anew. Nothing is compiled before the libraries are there.
$(BUILD)/flags: FORCE | $(BUILD)/libraries
	@echo '$(CC) $(FLAGS) $(VECTOR)' | cmp -s - $@ || echo '$(CC) $(FLAGS) $(VECTOR)' > $@

# The libraries are looked for once, and installed where that is possible.
PACKAGES = check uthash-dev libopenblas-dev libjansson-dev libmpfr-dev zlib1g-dev pkg-config
PROBE = pkg-config --exists check openblas && printf '\#include <%s.h>\n' uthash cblas jansson check mpfr zlib | $(CC) -E -x c -

$(BUILD)/libraries:
	@mkdir -p $(@D)
	@{ $(PROBE); } >/dev/null 2>&1 || $(MAKE) --no-print-directory install-deps
	@{ $(PROBE); } >/dev/null && touch $@

install-deps:
	@root=$$(test $$(id -u) = 0 || echo sudo -n); \
	if ! command -v apt-get >/dev/null || ! $$root true 2>/dev/null; then \
	    echo 'Some libraries are missing; on Debian and Ubuntu this installs them:'; \
	    echo '    sudo apt-get install $(PACKAGES)'; exit 1; fi; \
	$$root apt-get -q update && \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends $(PACKAGES)

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDE := $(DESTDIR)$(PREFIX)/include/autograd
LIB := $(DESTDIR)$(LIBDIR)
MAN := $(DESTDIR)$(PREFIX)/share/man/man3
MAJOR := $(firstword $(subst ., ,$(VERSION)))
FILL = sed 's|@PREFIX@|$(PREFIX)|g; s|@LIBDIR@|$(LIBDIR)|g; s|@VERSION@|$(VERSION)|g; s|@ZLIB@|$(filter -lz,$(LIBS))|g'

# A page for every function, of what the headers and the operations' files say.
$(BUILD)/man/autograd.3: autograd/headers.awk autograd/manual.awk $(PUBLIC:%=autograd/%) $(NODES)
	@rm -rf $(@D) && mkdir -p $(@D)
	@awk -v folder=$(@D) -f autograd/headers.awk -f autograd/manual.awk \
	$(filter-out %/node.h,$(filter %.h,$^)) $(filter %.c,$^)

# Vector kernels come last, once for each instruction set, behind what else is compiled as they are.
ONE := $(BUILD)/amalgamation/autograd
TABLES := autograd/plan/arithmetic.c autograd/graph/arithmetic.c autograd/run/scalar.c autograd/data/rows.c
UTHASH = $(shell printf '\043include <uthash.h>\n' | $(CC) -E -x c - | sed -n 's/^. 1 "\(.*uthash.h\)".*/\1/p')
amalgamation: $(ONE).c $(ONE).h
$(ONE).c: autograd/amalgamate.awk $(SOURCES) $(BUILD)/pointwise.def $(BUILD)/page.inc $(BUILD)/libraries FORCE
	@mkdir -p $(@D)
	@awk -v build=$(BUILD) -v uthash=$(firstword $(UTHASH)) -v version=$(VERSION) \
	-v public='$(patsubst %,autograd/%,$(filter-out node.h,$(PUBLIC)))' -f $< \
	$(filter-out $(TABLES),$(SOURCES)) $(TABLES:%=0:%) \
	$(foreach room,run dense,$(foreach isa,1 2 3,$(isa):autograd/$(room)/kernels.c)) > $@
$(ONE).h: $(PUBLIC:%=autograd/%)
	@mkdir -p $(@D)
	@cat $^ | grep -v '^#include "' > $@

reference: $(BUILD)/check
	@AG_TABLE=1 $< accuracy > $(BUILD)/accuracy.txt
	@awk -f autograd/headers.awk -f autograd/reference.awk $(BUILD)/accuracy.txt autograd/autograd.h $(NODES) \
	> autograd/OPERATIONS.md

install: $(BUILD)/libautograd.a $(BUILD)/libautograd.so $(BUILD)/man/autograd.3
	@for header in $(PUBLIC); do install -D -m 644 autograd/$$header $(INCLUDE)/$$header; done
	@install -d $(LIB)/pkgconfig $(LIB)/cmake/autograd
	@install -m 644 $(BUILD)/libautograd.a $(LIB)
	@install -m 755 $(BUILD)/libautograd.so $(LIB)/libautograd.so.$(VERSION)
	@ln -sf libautograd.so.$(VERSION) $(LIB)/libautograd.so.$(MAJOR)
	@ln -sf libautograd.so.$(MAJOR) $(LIB)/libautograd.so
	@$(FILL) autograd/autograd.pc.in > $(LIB)/pkgconfig/autograd.pc
	@for file in Config ConfigVersion; do \
	    $(FILL) autograd/autograd$$file.cmake.in > $(LIB)/cmake/autograd/autograd$$file.cmake; done
	@install -d $(MAN) && install -m 644 $(BUILD)/man/*.3 $(MAN)
	@echo 'installed in $(DESTDIR)$(PREFIX): pkg-config --cflags --libs autograd'

uninstall:
	rm -rf $(INCLUDE) $(LIB)/libautograd.* $(LIB)/pkgconfig/autograd.pc $(LIB)/cmake/autograd \
	$(MAN)/autograd.3 $(MAN)/ag_*.3

clean:
	rm -rf build build-clang build-sanitize

FORCE:
.PHONY: all demo fashion pictures check bench fuzz mutants reference amalgamation install uninstall clean install-deps \
        FORCE
.DELETE_ON_ERROR:
.SECONDARY:

-include $(OBJECTS:.o=.d) $(TESTS:.o=.d) $(BENCH:.o=.d) $(DERIVE:.o=.d) $(FASHION:.o=.d) $(CHAR_LM:.o=.d) \
         $(GRADBENCH:.o=.d) $(PRIMALS:.o=.d) $(LIMITS:.o=.d) $(SINGLE:$(BUILD)/%=$(BUILD)/demos/%.d)
