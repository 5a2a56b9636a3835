# What the public headers declare, and what each operation's own file begins with: read here, written as man pages by
# manual.awk and as a reference of operations by reference.awk.

FNR == 1 {
    header = FILENAME
    sub(/^autograd\//, "", header)
    of_operation = FILENAME ~ /^nodes\//
    operation = FILENAME
    sub(/.*\//, "", operation)
    sub(/\.c$/, "", operation)
    section = remark = statement = said = ""
    group = typing = 0
    first = 1
    if (!of_operation) headers[++header_count] = header
}

function strip(s) {
    sub(/^ ?\/?\*+ ?/, "", s)
    sub(/ *\*+\/ *$/, "", s)
    return s
}

# The comment that begins with this line, up to its end.
function read_comment(line,    text, more) {
    text = strip(line)
    while (line !~ /\*\//) {
        if ((getline line) <= 0) break
        more = strip(line)
        text = text "\n" more
    }
    return text
}

of_operation {
    if (first && /^\/\*/) rule[operation] = read_comment($0)
    first = 0
    next
}

/^\/\* ----/ {
    section = read_comment($0)
    gsub(/-----*/, "", section)
    gsub(/\n/, " ", section)
    gsub(/^ +| +$/, "", section)
    remark = ""; group = 0
    next
}

/^\/\*/ {
    text = read_comment($0)
    if (first) {
        opening[header] = text
        first = 0
        if (header != "autograd.h") section = one_line(text)
    } else remark = text
    group = 0
    next
}

/^#|^extern|^}$|^ *$/ && statement == "" {
    if (/^ *$/) remark = ""; group = 0
    next
}

{
    code = $0
    trailing = ""
    if (match(code, /\/\*.*\*\/ *$/)) {
        trailing = strip(substr(code, RSTART))
        code = substr(code, 1, RSTART - 1)
    }
    sub(/ +$/, "", code)
    if (code == "") next
    statement = statement (statement == "" ? "" : "\n") (typing || code ~ /^typedef/ ? $0 : code)
    said = said (trailing == "" ? "" : (said == "" ? "" : " ") trailing)
    if (code ~ /^typedef/ && code !~ /;$/) typing = 1
    if (code ~ /;$/ && (!typing || code ~ /^}/)) finish()
}

function one_line(text) {
    sub(/[.:\n].*/, "", text)
    return text
}

function finish(    n, i, one) {
    if (typing || statement ~ /^typedef/) {
        keep_type()
    } else {
        gsub(/\n */, " ", statement)
        n = split(statement, one, /; */)
        statements++
        for (i = 1; i < n; i++) declare(one[i])
        group++
    }
    statement = said = ""
    typing = 0
}

function keep_type(    name) {
    name = statement
    sub(/;[^;]*$/, "", name)
    sub(/.*[ }]/, "", name)
    if (section !~ /^types and shapes/ && statement ~ /{/) type[name] = statement
}

# "type *a(...), *b(...)" declares functions of one type.
function declare(s,    base, at, rest) {
    at = match(s, /\*?ag_[a-z0-9_]+\(/)
    if (!at) return
    base = substr(s, 1, at - 1)
    rest = substr(s, at)
    while (at = match(rest, /\), \*?ag_[a-z0-9_]+\(/)) {
        keep(base substr(rest, 1, at) ";")
        rest = substr(rest, at + 3)
    }
    keep(base rest ";")
}

function keep(prototype,    name) {
    match(prototype, /ag_[a-z0-9_]+\(/)
    name = substr(prototype, RSTART, RLENGTH - 1)
    page[++pages] = name
    declared[name] = prototype
    about[name] = remark
    place[name] = group
    declaration[name] = statements
    declared_by[statements]++
    trailer[name] = said
    from[name] = header
    within[name] = section
    if (!(section in members)) {
        order[++sections] = section
        home[section] = header
    }
    members[section] = members[section] " " name
}
