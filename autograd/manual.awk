# Man pages of the public headers: one for each function, ag_name.3, and autograd.3, which lists them. What a page says is
# what stands in the header, the section's title, the declaration and the comments at it, and, of an operation, what its
# own file begins with.
#
#     awk -v folder=build/man -f autograd/headers.awk -f autograd/manual.awk autograd/autograd.h ... nodes/*.c

# ---- text ------------------------------------------------------------------------------------------------------------

function escaped(s) {
    gsub(/\\/, "\\e", s)
    return s
}

# A line that roff may not take for a request.
function guarded(s) {
    return s ~ /^[.']/ ? "\\&" s : s
}

function trimmed(s) {
    sub(/ +$/, "", s)
    return s
}

# Each sentence begins a line; none is longer than 78 columns.
function paragraph(s, to,    n, i, word, line) {
    n = split(escaped(s), word, /[ \n\t]+/)
    line = ""
    for (i = 1; i <= n; i++) {
        if (word[i] == "") continue
        if (line != "" && length(line) + length(word[i]) > 77) {
            print guarded(line) > to
            line = ""
        }
        line = line == "" ? word[i] : line " " word[i]
        if (word[i] ~ /[.?!]\)?$/) {
            print guarded(line) > to
            line = ""
        }
    }
    if (line != "") print guarded(line) > to
}

# As it stands, but for lines that are broken after a comma.
function literal(s, to,    n, i, line, cut, indent) {
    print ".Bd -literal" > to
    n = split(escaped(s), lines_of, "\n")
    for (i = 1; i <= n; i++) {
        line = lines_of[i]
        gsub(/-/, "\\-", line)
        indent = ""
        while (length(line) > 78 && (cut = last_break(line))) {
            print guarded(trimmed(indent substr(line, 1, cut))) > to
            line = substr(line, cut + 1)
            sub(/^ +/, "", line)
            indent = line ~ /^\/\*/ ? "        " : "    "
        }
        print line == "" ? "\\&" : guarded(trimmed(indent line)) > to
    }
    print ".Ed" > to
}

# Before a comment, after a comma, at a space.
function last_break(line,    i) {
    i = index(line, " /*")
    if (i > 20) return i - 1
    for (i = 74; i > 20; i--)
        if (substr(line, i, 2) ~ /^[,;*] /) return i
    for (i = 74; i > 20; i--)
        if (substr(line, i, 1) == " ") return i
    return 0
}

# Prose, and lines that are set in as they are.
function comment(s, to,    n, i) {
    n = split(s, line_of, "\n")
    text = code = ""
    begun = 0
    for (i = 1; i <= n; i++) {
        if (line_of[i] ~ /^    /) {
            end_text(to)
            code = code (code == "" ? "" : "\n") substr(line_of[i], 5)
        } else if (line_of[i] == "") {
            end_text(to)
        } else {
            end_code(to)
            text = text " " line_of[i]
        }
    }
    end_text(to)
    end_code(to)
}

function end_text(to) {
    if (text == "") return
    if (begun) print ".Pp" > to
    paragraph(text, to)
    text = ""
    begun = 1
}

function end_code(to) {
    if (code == "") return
    literal(code, to)
    code = ""
    begun = 1
}

# ---- writing ---------------------------------------------------------------------------------------------------------

function begin(name, title, to) {
    print ".\\\" Made of the headers' comments by autograd/manual.awk." > to
    print ".Dd $Mdocdate$" > to
    print ".Dt " toupper(name) " 3" > to
    print ".Os" > to
    print ".Sh NAME" > to
    print ".Nm " name > to
    print ".Nd " escaped(title) > to
}

function titled(section,    s) {
    s = section
    sub(/[:;(].*/, "", s)
    gsub(/ +$/, "", s)
    return s == "" ? "types, shapes and versions" : s
}

function include(to, header) {
    print ".Sh SYNOPSIS" > to
    print ".In autograd/" header > to
}

# The options and results that the declaration speaks of.
function structures(s, to,    rest, name, seen) {
    rest = s
    while (match(rest, /ag_[a-z0-9_]+/)) {
        name = substr(rest, RSTART, RLENGTH)
        rest = substr(rest, RSTART + RLENGTH)
        if (name in type && !(name in seen)) {
            seen[name] = 1
            literal(type[name], to)
        }
    }
}

function see_also(name, to,    n, i, other, list) {
    print ".Sh SEE ALSO" > to
    n = split(members[within[name]], other, " ")
    sort_names(other, n)
    for (i = 1; i <= n; i++)
        if (other[i] != name) print ".Xr " other[i] " 3 ," > to
    print ".Xr autograd 3" > to
}

function sort_names(a, n,    i, j, t) {
    for (i = 2; i <= n; i++) {
        t = a[i]
        for (j = i - 1; j > 0 && a[j] > t; j--) a[j + 1] = a[j]
        a[j + 1] = t
    }
}

function write_page(name,    to, op) {
    to = folder "/" name ".3"
    op = name
    sub(/^ag_/, "", op)
    if (!(op in rule)) sub(/_axis$|_with$/, "", op)
    if (place[name] > 0 && (op in rule || trailer[name] != "")) about[name] = "" # of those before it
    begin(name, titled(within[name]), to)
    include(to, from[name])
    structures(declared[name], to)
    literal(declared[name], to)
    print ".Sh DESCRIPTION" > to
    if (about[name] == "" && trailer[name] == "" && !(op in rule)) paragraph(within[name] ".", to)
    if (about[name] != "") comment(about[name], to)
    if (trailer[name] != "") {
        if (about[name] != "") print ".Pp" > to
        paragraph(trailer[name], to)
    }
    if (op in rule) {
        if (about[name] trailer[name] != "") print ".Pp" > to
        paragraph("The operation and its rule:", to)
        comment(rule[op], to)
    }
    see_also(name, to)
    close(to)
}

function write_list(    to, i, n, k, other) {
    to = folder "/autograd.3"
    begin("autograd", "computational graphs with automatic differentiation", to)
    print ".Sh SYNOPSIS" > to
    for (i = 1; i <= header_count; i++) print ".In autograd/" headers[i] > to
    print ".Sh DESCRIPTION" > to
    comment(opening["autograd.h"], to)
    for (i = 1; i <= sections; i++) {
        print ".Ss " toupper(substr(titled(order[i]), 1, 1)) escaped(substr(titled(order[i]), 2)) > to
        print "In" > to
        print ".In autograd/" home[order[i]] " :" > to
        n = split(members[order[i]], other, " ")
        for (k = 1; k <= n; k++) print ".Xr " other[k] " 3" (k < n ? " ," : " .") > to
    }
    close(to)
}

END {
    for (i = 1; i <= pages; i++) write_page(page[i])
    write_list()
}
