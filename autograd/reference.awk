# OPERATIONS.md: what every operation computes, by which rule it is differentiated, and how exact it is. The first file is
# the table that AG_TABLE=1 build/check accuracy prints: an operation, then the largest errors of its value, its first
# and its second derivatives in f32 and in f64.
#
#     awk -f autograd/headers.awk -f autograd/reference.awk build/accuracy.txt autograd/autograd.h ... nodes/*.c

# Read before headers.awk's rules see a line of it: there are no comments in it.
FILENAME ~ /accuracy/ {
    statement = ""
    if (NF == 7) error[$1] = sprintf("f32 %s, %s, %s, f64 %s, %s, %s", ulp($2), ulp($3), ulp($4), ulp($5), ulp($6), ulp($7))
    next
}

# Rounded up: what is said holds.
function ulp(x,    scaled) {
    if (x >= 1000) return sprintf("%.0e", x)
    if (x >= 10) return int(x) + (x > int(x))
    scaled = int(10 * x)
    return (scaled + (10 * x > scaled)) / 10
}

# Of what Markdown would take for its own.
function plain(s) {
    gsub(/[*_<|]/, "\\\\&", s)
    return s
}

function wrapped(s,    n, i, word, line) {
    n = split(s, word, /[ \n\t]+/)
    line = ""
    for (i = 1; i <= n; i++) {
        if (word[i] == "") continue
        if (line != "" && length(line) + length(word[i]) > 118) {
            print line
            line = ""
        }
        line = line == "" ? word[i] : line " " word[i]
    }
    if (line != "") print line
}

# Paragraphs, and what is set in by four columns as it is.
function prose(s,    n, i, line, text) {
    n = split(s, line, "\n")
    print ""
    text = ""
    for (i = 1; i <= n + 1; i++) {
        if (i <= n && line[i] != "" && line[i] !~ /^    /) {
            text = text " " line[i]
            continue
        }
        wrapped(plain(text))
        if (text != "" && i <= n) print ""
        text = ""
        if (i <= n && line[i] != "") print line[i]
        if (i < n && line[i] ~ /^    / && line[i + 1] !~ /^    /) print ""
    }
}

function operation_of(name) {
    sub(/^ag_/, "", name)
    if (!(name in rule)) sub(/_axis$|_with$|_train$/, "", name)
    return name
}

# What stands behind a declaration of several functions may be about another of them: it is said where nothing else is.
function write_operation(name,    op, alone) {
    op = operation_of(name)
    alone = declared_by[declaration[name]] == 1
    printf "\n### %s\n\n    %s\n", name, declared[name]
    if (about[name] != "" && (place[name] == 0 || !(op in rule))) prose(about[name])
    if (trailer[name] != "" && !(op in rule && (!alone || index(rule[op], trailer[name]) == 1))) prose(trailer[name])
    if (op in rule) prose(rule[op])
    if (op in error) printf "\nLargest errors in ulp: %s.\n", error[op]
}

function write_section(section,    name, n, k) {
    printf "\n## %s\n", toupper(substr(section, 1, 1)) plain(substr(section, 2))
    n = split(members[section], name, " ")
    for (k = 1; k <= n; k++) write_operation(name[k])
}

END {
    print "# Operations"
    prose("Made by `make reference` of the headers' and the operations' own comments, and of measured errors. A rule " \
          "says how the result's gradient, `gout`, flows back to the operands; derivatives of any order follow from it. " \
          "Errors are the largest found against exact values in all of a function's domain: of the value, the first and " \
          "the second derivatives.")
    for (i = 1; i <= sections; i++) {
        if (order[i] ~ /^pointwise/) begun = 1
        if (order[i] ~ /^derivatives/) exit
        if (begun) write_section(order[i])
    }
}
