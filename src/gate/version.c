#include "gate/version.h"

#include <stdio.h>
#include <string.h>

#include "gate/respond/status.h"
#include "gate/site.h"
#include "gate/tls/tls.h"

/* A module of nginx, and a directive by which to tell whether it is here. */
struct module {
    const char *name, *directive;
};

/* Those that nginx has only where it was built so. */
static const struct module optional[] = {
    {"http_ssl", "ssl_certificate"},
    {"http_realip", "set_real_ip_from"},
    {"http_addition", "add_before_body"},
    {"http_sub", "sub_filter"},
    {"http_gunzip", "gunzip"},
    {"http_gzip_static", "gzip_static"},
    {"http_auth_request", "auth_request"},
    {"http_random_index", "random_index"},
    {"http_secure_link", "secure_link"},
    {"http_slice", "slice"},
    {"http_stub_status", "stub_status"},
    {"http_dav", "dav_methods"},
};

/* Those that it has where nobody left them out. */
static const struct module usual[] = {
    {"http_charset", "charset"},
    {"http_gzip", "gzip"},
    {"http_ssi", "ssi"},
    {"http_mirror", "mirror"},
    {"http_userid", "userid"},
    {"http_access", "allow"},
    {"http_auth_basic", "auth_basic"},
    {"http_autoindex", "autoindex"},
    {"http_geo", "geo"},
    {"http_map", "map"},
    {"http_referer", "valid_referers"},
    {"http_rewrite", "rewrite"},
    {"http_proxy", "proxy_pass"},
    {"http_fastcgi", "fastcgi_pass"},
    {"http_uwsgi", "uwsgi_pass"},
    {"http_scgi", "scgi_pass"},
    {"http_grpc", "grpc_pass"},
    {"http_memcached", "memcached_pass"},
    {"http_limit_conn", "limit_conn"},
    {"http_limit_req", "limit_req"},
    {"http_empty_gif", "empty_gif"},
    {"http_browser", "ancient_browser"},
    {"http_split_clients", "split_clients"},
    {"http_tunnel", "tunnel_pass"},
    {"http_upstream_hash", "hash"},
    {"http_upstream_ip_hash", "ip_hash"},
    {"http_upstream_least_conn", "least_conn"},
    {"http_upstream_least_time", "least_time"},
    {"http_upstream_random", "random"},
    {"http_upstream_sticky", "sticky"},
    {"http_upstream_keepalive", "keepalive"},
    {"http_upstream_zone", "zone"},
};

static void print_modules(void)
{
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (site_knows(optional[i].directive))
            fprintf(stderr, " --with-%s_module", optional[i].name);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (!site_knows(usual[i].directive))
            fprintf(stderr, " --without-%s_module", usual[i].name);
    fputs(" --without-http-cache\n", stderr);
}

/* Scripts take the paths from here. */
static void print_places(const struct version_places *places)
{
    const char *prefix = places->prefix;

    fprintf(stderr, " --prefix=%.*s --conf-path=%s", (int)strlen(prefix) - 1, prefix,
            places->file);
    if (places->error_log)
        fprintf(stderr, " --error-log-path=%s --http-log-path=%s", places->error_log,
                places->access_log);
    fprintf(stderr, " --pid-path=%s", places->pid_file);
}

void version_print(bool as_nginx, const struct version_places *places)
{
    struct span name = status_server(as_nginx, true);

    fprintf(stderr, "%s version: %.*s\n", as_nginx ? "nginx" : "gate", SPAN_ARG(name));
    if (!places)
        return;
    if (as_nginx)
        fprintf(stderr, "by gate/%s\n", KEEPGATE_VERSION);
    fprintf(stderr,
            "built with %s\nTLS SNI support enabled\nconfigure arguments:", tls_library());
    print_places(places);
    print_modules();
}
