/* SPDX-License-Identifier: Apache-2.0 */
/* RE2 behind C functions; the only C++ of the program.  Nothing throws: RE2 reports by values. */
extern "C" {
#include "base/regex.h"
}

#include <new>
#include <re2/re2.h>
#include <string>

struct od_regex {
    re2::RE2 compiled;

    od_regex(const std::string &pattern, const re2::RE2::Options &options)
        : compiled(pattern, options)
    {
    }
};

/* RE2 of 2022 writes (?P<name>...) only. */
static std::string with_old_names(const std::string &in)
{
    std::string out;

    for (size_t i = 0; i < in.size(); i++) {
        out += in[i];
        if (in[i] == '\\' && i + 1 < in.size()) {
            out += in[++i];
            continue;
        }
        if (in.compare(i, 3, "(?<") == 0 && i + 3 < in.size() && in[i + 3] != '=' &&
            in[i + 3] != '!') {
            out += "?P";
            i++;
        }
    }
    return out;
}

enum od_err od_regex_new(struct od_str pattern, struct od_regex **out, struct od_text *why)
{
    re2::RE2::Options options;
    std::string text = with_old_names(std::string(pattern.data, pattern.len));

    *out = nullptr;
    options.set_max_mem(OD_REGEX_MEMORY_BYTES);
    options.set_log_errors(false);
    od_regex *r = new (std::nothrow) od_regex(text, options);
    if (!r)
        return OD_E_NO_MEMORY;
    if (!r->compiled.ok()) {
        od_text_add(why, "%s", r->compiled.error().c_str());
        delete r;
        return OD_INVALID_REGULAR_EXPRESSION;
    }
    *out = r;
    return OD_NONE;
}

bool od_regex_matches_all_of(const struct od_regex *r, struct od_str text)
{
    return re2::RE2::FullMatch(re2::StringPiece(text.data, text.len), r->compiled);
}

void od_regex_free(struct od_regex *r)
{
    delete r;
}
