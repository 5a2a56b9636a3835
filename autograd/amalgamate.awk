# The library as one file. Each source is taken with what it includes, headers once, and names that are seen in it alone
# (static functions, types, enumerators, macros) get its number behind them where another source has the same. `public`
# headers stay outside, in autograd.h.
#
#     awk -v build=build -v uthash=/usr/include/uthash.h -v public='autograd/autograd.h ...' -v version=1.0.0 \
#         -f autograd/amalgamate.awk autograd/graph/node.c ... 3:autograd/run/kernels.c
#
# A source "3:autograd/run/kernels.c" is one of the vector kernels, for the third instruction set; 0: for any.

BEGIN {
    target[2] = "avx2,fma,bmi,bmi2,lzcnt,popcnt,movbe,f16c"
    width[2] = 256
    width[3] = 512
    target[3] = target[2] ",avx512f,avx512bw,avx512cd,avx512dq,avx512vl"
    for (i = 1; i < ARGC; i++) read_source(ARGV[i], i)
    for (i = 1; i < ARGC; i++) find_names(i)
    print "/* autograd " version ", the library in one file: see autograd.h, and there for the licence. */"
    print "#ifdef __clang__" # what is seen in one file alone, compilers see more of, and suppose more
    print "#pragma clang diagnostic ignored \"-Wunused-function\""
    print "#else"
    print "#pragma GCC diagnostic ignored \"-Wmaybe-uninitialized\""
    print "#endif"
    print "#define _GNU_SOURCE"
    print "#define AG_BUILDING"
    print "#define AG_NODE_H" # which comes below, with what the library alone sees of it
    print "#include \"autograd.h\""
    print "#undef AG_NODE_H"
    for (i = 1; i < ARGC; i++) write_source(i)
    exit
}

# ---- reading ---------------------------------------------------------------------------------------------------------

# The lines of source i are text[i, 1...lines[i]], those of headers that it is the first to need, before it.
function read_source(name, i) {
    if (name ~ /^[0-3]:/) {
        is_vector[i] = 1
        isa[i] = substr(name, 1, 1) + 0
        name = substr(name, 3)
    }
    source[i] = name
    headers_lines[i] = lines[i] = 0
    read_file(name, i, 0)
}

function folder_of(name) {
    sub(/[^\/]*$/, "", name)
    return name
}

function readable(name,    line, there) {
    if (name in is_there) return is_there[name]
    there = (getline line < name) >= 0
    close(name)
    return is_there[name] = there
}

function find_file(name, from,    n, k, place) {
    n = split(folder_of(from) " autograd/ nodes/ " build "/", place, " ")
    for (k = 1; k <= n; k++)
        if (readable(place[k] name)) return direct(place[k] name)
    print "amalgamate: no " name " for " from > "/dev/stderr"
    exit 1
}

# a/../b is b.
function direct(name) {
    while (sub(/[a-z]+\/\.\.\//, "", name));
    return name
}

function is_public(name) {
    return index(" " public " ", " " name " ")
}

function read_file(name, i, in_header,    line, other) {
    while ((getline line < name) > 0) {
        if (line ~ /^#include <uthash.h>/) {
            read_header(uthash, i)
        } else if (line ~ /^#include "/) {
            other = line
            sub(/^#include "/, "", other)
            sub(/".*/, "", other)
            other = find_file(other, name)
            if (other ~ /\.h$/) read_header(other, i)
            else read_file(other, i, in_header)
        } else put_line(line, i, in_header)
    }
    close(name)
}

function read_header(name, i) {
    if (name in seen || is_public(name)) return
    seen[name] = 1
    read_file(name, i, 1)
}

function put_line(line, i, in_header) {
    if (in_header) header[i, ++headers_lines[i]] = line
    else text[i, ++lines[i]] = line
}

# ---- names -----------------------------------------------------------------------------------------------------------

# Splits a line into words and what stands between; strings and comments are no words. `inside`: in a comment.
function split_line(line,    n, end) {
    n = 0
    while (line != "") {
        if (inside || substr(line, 1, 2) == "/*") {
            end = index(inside ? line : "  " substr(line, 3), "*/")
            inside = !end
            token[++n] = end ? substr(line, 1, end + 1) : line
        } else if (match(line, /^[A-Za-z_][A-Za-z_0-9]*/) || match(line, /^\.?[0-9][A-Za-z_0-9.]*/) ||
                   match(line, /^"(\\.|[^"\\])*"/) || match(line, /^'(\\.|[^'\\])*'/) || match(line, /^[ \t]+/) ||
                   match(line, /^->/)) {
            token[++n] = substr(line, 1, RLENGTH)
        } else token[++n] = substr(line, 1, 1)
        line = substr(line, length(token[n]) + 1)
    }
    return n
}

# The names that source i declares at its outermost level and those of its macros; those of headers as source 0's.
function find_names(i,    k) {
    inside = directive = braces = parentheses = 0
    declaration = ""
    for (k = 1; k <= headers_lines[i]; k++) read_names(header[i, k], 0)
    for (k = 1; k <= lines[i]; k++) read_names(text[i, k], i)
}

function is_word(s) {
    return s ~ /^[A-Za-z_]/
}

function note(name, i) {
    if (name ~ /^(agi?_.*|void|char|int|int64_t|size_t|float|double)$/ || (i, name) in named) return
    named[i, name] = 1
    owners[name]++
}

function read_names(line, i,    n, k) {
    if (!inside && (directive || line ~ /^#/)) {
        if (match(line, /^# *define [A-Za-z_0-9]+/)) {
            sub(/^# *define /, "", line)
            match(line, /^[A-Za-z_0-9]+/)
            note_macro(substr(line, 1, RLENGTH), i)
        }
        if (line ~ /AG_POINTWISE_TABLE/) tables[i] = 1
        if (line ~ /ag_[a-z_]*##/) public_types[i] = 1
        directive = line ~ /\\$/
        return
    }
    n = split_line(line)
    for (k = 1; k <= n; k++)
        if (token[k] ~ /^[^ \t"'\/]/ || token[k] == "/") read_token(token[k], i)
}

function note_macro(name, i) {
    note(name, i)
    if (i && !((i, name) in macro)) macros[i] = macros[i] " " name
    macro[i, name] = 1
}

# A declaration is kept as words with spaces around them: of braces that there are, of parentheses their first word.
function read_token(t, i) {
    if (t == "}") braces--
    if (t == ")") parentheses--
    if (braces == 0 && (parentheses == 0 || (parentheses == 1 && declaration ~ /\( (\* )?$/)))
        declaration = declaration t " "
    else if (braces == 1 && parentheses == 0 && declaration ~ /(^| )enum [^;]*{ $/ && last ~ /^[{,]$/ && is_word(t))
        note(t, i)
    if (braces == 0 && parentheses == 1 && last == "(" && before_last == "INLINE") pasted[i, t] = 1
    before_last = last
    last = t
    if (t == "{") braces++
    if (t == "(") parentheses++
    if (braces == 0 && parentheses == 0 && (t == ";" || (t == "}" && declaration ~ /\) { } $/))) {
        read_declaration(declaration, i)
        declaration = ""
    }
}

function read_declaration(s, i,    word, n, k) {
    if (match(s, /(struct|union|enum) [A-Za-z_0-9]+ { /)) {
        split(substr(s, RSTART, RLENGTH), word, " ")
        note(word[2], i)
    }
    if (s ~ /^typedef /) {
        if (match(s, /\( \* [A-Za-z_0-9]+ \)/)) note(substr(s, RSTART + 4, RLENGTH - 6), i)
        else if (match(s, /[A-Za-z_0-9]+ (\[ .*)?; $/)) {
            split(substr(s, RSTART), word, " ")
            note(word[1], i)
        }
    } else if (s ~ /(^| )(static|INLINE) /) {
        sub(/ = .*/, " ; ", s)
        n = split(s, word, " ")
        for (k = 1; k < n; k++)
            if (is_word(word[k]) && word[k + 1] ~ /^[(;,\[]$/ && word[k] " " word[k + 1] !~ /^(__.*|[A-Z0-9_]+ \()$/)
                note(word[k], i)
    }
}

# ---- writing ---------------------------------------------------------------------------------------------------------

# The name as the one file has it: with the source's number where another has the same. What an `f` may follow gets it
# in front, as macros make names of two types of one; of names that end in a type the type gets it.
function own_name(name, i) {
    if (i in tables && (i, name) in pasted) return "u" i "_" name
    if (isa[i] && name ~ /^agi_draw_(words|uniform|pairs|normal|exchanges)f?$/) return "u" i "_" name
    if (name ~ /^(.*_)?f(32|64)$/ && name !~ /^(agi?_|v[a-z]*q_)/ && !(i in public_types)) return name "_" i
    if (!((i, name) in named)) return name
    if (name ~ /^(read|close|raise|FAR)$/) return name "_" i # as libc's and zlib's
    if ((i, name) in macro ? (0, name) in named : owners[name] > 1 || isa[i]) return name "_" i
    return name
}

# As the Makefile has them compiled: loops become vectors, of the widest that the instruction set has.
function begin_kernels(i) {
    if (isa[i]) print "#undef AG_ISA\n#define AG_ISA " isa[i]
    print "#ifdef __clang__"
    if (isa[i] > 1)
        print "#pragma clang attribute push(__attribute__((target(\"" target[isa[i]] "\"))), apply_to = function)"
    print "#else"
    print "#pragma GCC push_options"
    print "#ifdef __OPTIMIZE__"
    print "#pragma GCC optimize(\"O3\", \"no-math-errno\", \"no-trapping-math\")"
    print "#endif"
    if (isa[i] > 1) print "#pragma GCC target(\"" target[isa[i]] ",prefer-vector-width=" width[isa[i]] "\")"
    print "#endif"
}

function end_kernels(i) {
    print "#ifdef __clang__"
    if (isa[i] > 1) print "#pragma clang attribute pop"
    print "#else"
    print "#pragma GCC pop_options"
    print "#endif"
}

function write_source(i,    k, n, name) {
    for (k = 1; k <= headers_lines[i]; k++) print header[i, k]
    printf "\n/* ==== %s ==== */\n", source[i]
    if (isa[i] > 1) print "#ifdef __x86_64__"
    if (is_vector[i]) begin_kernels(i)
    print "#define POINTWISE_CODE POINTWISE_CODE_" i
    inside = structure = 0
    for (k = 1; k <= lines[i]; k++) write_line(text[i, k], i)
    n = split(macros[i], name, " ")
    for (k = 1; k <= n; k++) print "#undef " own_name(name[k], i)
    print "#undef POINTWISE_CODE"
    if (is_vector[i]) end_kernels(i)
    if (isa[i] > 1) print "#endif"
}

function write_line(line, i,    n, k, out, t) {
    if (isa[i] > 1 && line ~ /^(extern|MATH[12]|PLAIN[12])[ (]/) return # declared by the first, for any processor
    if (line ~ /^#define AG_POINTWISE_TABLE/) {
        print "#undef POINTWISE1\n#undef POINTWISE2\n#undef POINTWISE3"
        return
    }
    if (line ~ /^# *include/) {
        print line
        return
    }
    n = split_line(line)
    out = ""
    for (k = 1; k <= n; k++) {
        t = token[k]
        out = out (is_word(t) && !is_member(k, n) ? own_name(t, i) : t)
        if (t ~ /^(struct|union)$/) opening = 1
        else if (t == ";" || t == "(" || t == ")") opening = 0
        if (t == "{" && (opening || structure)) {
            structure++
            opening = 0
        }
        if (t == "}" && structure) structure--
    }
    print out
}

# Members of structures have names of their own, where they are declared and where they are used.
function is_member(k, n,    next_one) {
    if (k > 1 && (token[k - 1] == "." || token[k - 1] == "->")) return 1
    next_one = k < n ? (token[k + 1] ~ /^[ \t]/ ? token[k + 2] : token[k + 1]) : ""
    return structure && next_one ~ /^[;,:)(\[]$/
}
