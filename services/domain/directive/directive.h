/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directives: rule objects that say who may use a resource, on whose authority, from when until
 * when.
 *
 * docs/directives.md describes the language.  Here: what a compiled set is made of, how one is made
 * from files, and what may be asked about it.  Evaluation is in evaluate.h, reasons in explain.h.
 */
#ifndef DOMAIN_DIRECTIVE_DIRECTIVE_H
#define DOMAIN_DIRECTIVE_DIRECTIVE_H

#include "base/diagnostics.h"
#include "base/snapshot.h"
#include "domain/country/groups.h"
#include "domain/facts/facts.h"

enum {
    DIRECTIVE_LANGUAGE = 1, /* the newest language that this program speaks */
    DIRECTIVE_ID_MAX = 128,
    DIRECTIVE_CONTEXT_KEYS_MAX = 32, /* different keys that the directives of one set look at */
    DIRECTIVE_TESTS_MAX = 256,       /* of one `require` or `when` */
    DIRECTIVE_DEPTH_MAX = 12,        /* of all, any and not within one another */
    DIRECTIVE_LIST_MAX = 256,        /* entries of one list */
    DIRECTIVE_TEXT_MAX = 2000,       /* bytes of a title, an authority, a notice */
    DIRECTIVE_MATCHES_MAX = 1 << 22, /* directives times the resources that each names */
    DIRECTIVE_LEASE_LEAST_MS = 2000, /* no replica knows sooner that it hears nothing: shorter
                                        leases count as this one */
    DIRECTIVE_LEASE_MOST_MS = 60 * 60 * 1000,
    RESOURCE_TYPE_MAX = 64,
    RESOURCE_ID_MAX = 256,
};

/* No `lease`: the one of the configuration binds alone. */
#define DIRECTIVE_LEASE_UNSAID INT64_MAX

/* On whose word: the text that decisions cite. */
struct directive_authority {
    const char *text;            /* "15 CFR 744.22(b), letter of 2026-06-12" */
    const char *document_sha256; /* lower-case hex, or "" */
    int64_t received_ms;         /* TIMESTAMP_NEVER_MS when not given */
};

/* What somebody must do to get a definite answer, or may do about a refusal. */
struct directive_obligation {
    const char *type; /* "verify" */
    const struct directive_property {
        const char *name;
        const char *value;
    } * properties;
    size_t property_count;
};

struct directive_notice {
    const char *language; /* BCP 47, "en" */
    const char *text;
};

struct directive_node; /* a compiled test; evaluate.c knows it */

struct directive_exemption {
    const struct directive_node *when;
    struct span *resources; /* "model/mythos-5"; count 0 = every one of the directive */
    size_t resource_count;
    int64_t from_ms;  /* the directive's own when not given */
    int64_t until_ms; /* exclusive; TIMESTAMP_NEVER_MS */
    struct directive_authority authority;
    struct directive_obligation affiliation; /* prove_affiliation: what `when` would have to know */
    const uint32_t *rows; /* the same resources by their place in the set, ascending */
    size_t row_count;
    int line; /* where it stands in the file */
    int column;
};

/* One directive, compiled.  Immutable. */
struct directive {
    const char *id;
    uint32_t index;       /* in the set */
    uint32_t version;     /* counted by the store from 1; 0 until the store has seen it */
    bool is_shadow;       /* tried, not in force: of a shadow set */
    struct span citation; /* of a shadow set: "ID DIGEST", as records name it */
    char digest[65];      /* SHA-256 of its file, lower-case hex */
    const char *title;
    struct directive_authority authority;
    int64_t from_ms;
    int64_t until_ms;  /* exclusive; TIMESTAMP_NEVER_MS */
    int64_t lifted_ms; /* TIMESTAMP_NEVER_MS = not lifted */
    struct directive_authority lifted_authority;
    struct span *resources;
    size_t resource_count;
    struct span *actions; /* "*" is every action */
    size_t action_count;
    const struct directive_node *require;
    enum proof proof;
    bool applies_to_us_persons; /* nationality tests reach persons who are not foreign persons */
    struct directive_authority us_persons_authority;
    bool is_stale_denied;   /* `stale: deny` */
    bool is_record_durable; /* `record: durable` */
    int64_t lease_ms;       /* `lease`; DIRECTIVE_LEASE_UNSAID */
    struct directive_exemption *exemptions;
    size_t exemption_count;
    struct directive_obligation unverified;  /* what a person of unknown status is told */
    struct directive_obligation affiliation; /* prove_affiliation, when `require` asks for it */
    struct directive_obligation context;     /* provide_context: the keys that the tests look at */
    struct span *instead;                    /* resources, in order of preference */
    size_t instead_count;
    struct directive_notice *notices;
    size_t notice_count;
    const char *notice_url;
    const char *appeal_url;
    const char *file;
};

struct directive_resource {
    struct span name;     /* "model/fable-5": type, slash, id */
    bool is_base_allowed; /* `base: allow` */
};

/* A compiled set: refcounted, immutable, shared by all threads. */
struct directive_set;

/* One file of the set; `content` need not outlive the call. */
struct directive_file {
    const char *name;
    struct span content;
};

/* What directives refer to by name; used while compiling only. */
struct directive_environment {
    const struct country_groups *groups;
    const struct organizations *organizations;
    /* Lint of single files: organizations and resources that other files would name are taken as
     * they come.  A set that was compiled so must decide nothing. */
    bool is_partial;
    bool keeps_files; /* a set keeps the files that it was compiled from: shadow sets need those of
                         the set in force */
};

/*
 * Compile all files: directives (a mapping with `directive:`) and declarations of resources (a
 * mapping with `resources:`).  A set is compiled whole or not at all: NULL when any file has an
 * error.  Every error and every warning of lint is in `diagnostics`.  The order of the files does
 * not matter.
 */
struct directive_set *directive_set_compile(const struct directive_file *files, size_t count,
                                            const struct directive_environment *environment,
                                            struct diagnostics *diagnostics);

/*
 * The shadow of `base`: what would be in force if these files were.  A directive replaces the one
 * of the same id, a declaration of a resource the one of the same name; everything else is that of
 * `base`, which has kept its files.  The set has the number of `base`, and a directive its version
 * where it is the same text; others have none.  A directive of `files` counts as begun: one that
 * comes into force later is asked as at that moment.  Findings are those of `files`.
 */
struct directive_set *directive_set_compile_shadow(const struct directive_set *base,
                                                   const struct directive_file *files, size_t count,
                                                   const struct directive_environment *environment,
                                                   struct diagnostics *diagnostics);

/* What the set was compiled from, of a shadow set without its base; none unless it keeps files. */
const struct directive_file *directive_set_files(const struct directive_set *set,
                                                 size_t *ret_count);

/* A set of nothing: every resource is unknown. */
struct directive_set *directive_set_empty(void);

struct directive_set *directive_set_ref(struct directive_set *set);
void directive_set_unref(struct directive_set *set);
/* Where the set in force is found.  Takes the caller's reference on `set` (may be NULL). */
void directive_set_snapshot_init(struct snapshot *snapshot, struct directive_set *set);

/* SHA-256 over the ids and digests of all directives and over all declared resources, both in
 * order, lower-case hex: equal for equal rules, however they are spread over files. */
const char *directive_set_digest(const struct directive_set *set);

/* The plain number of the set, given by the store; 0 until then.  Set once, before the set is
 * shared. */
uint64_t directive_set_number(const struct directive_set *set);
void directive_set_assign(struct directive_set *set, uint64_t number);

size_t directive_set_count(const struct directive_set *set);
const struct directive *directive_set_get(const struct directive_set *set, size_t index);
const struct directive *directive_set_find(const struct directive_set *set, struct span id);
void directive_set_assign_version(struct directive_set *set, size_t index, uint32_t version);

size_t directive_set_resource_count(const struct directive_set *set);
/* In order of name. */
const struct directive_resource *directive_set_resource(const struct directive_set *set,
                                                        size_t index);

/* The context keys that any directive looks at; bit i of `vary_context` is key i. */
size_t directive_set_context_key_count(const struct directive_set *set);
const char *directive_set_context_key(const struct directive_set *set, size_t index);

#endif
