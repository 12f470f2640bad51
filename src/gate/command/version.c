#include "gate/command/version.h"

#include <stdio.h>

#include "gate/respond/status.h"
#include "gate/tls/tls.h"

/* nginx's names: its optional modules that are here, and its usual ones that are not. */
static const char parts[] =
    "--with-http_ssl_module"
    " --without-http_charset_module --without-http_gzip_module --without-http_ssi_module"
    " --without-http_mirror_module --without-http_userid_module --without-http_access_module"
    " --without-http_auth_basic_module --without-http_autoindex_module"
    " --without-http_geo_module --without-http_map_module --without-http_referer_module"
    " --without-http_rewrite_module --without-http_fastcgi_module"
    " --without-http_uwsgi_module --without-http_scgi_module --without-http_grpc_module"
    " --without-http_memcached_module --without-http_limit_conn_module"
    " --without-http_limit_req_module --without-http_empty_gif_module"
    " --without-http_browser_module --without-http_split_clients_module"
    " --without-http_tunnel_module"
    " --without-http_upstream_ip_hash_module"
    " --without-http_upstream_least_time_module --without-http_upstream_random_module"
    " --without-http_upstream_zone_module --without-http_upstream_sticky_module"
    " --without-http-cache";

void version_print(bool as_nginx, bool details)
{
    struct span name = status_server(as_nginx, true);

    fprintf(stderr, "%s version: %.*s\n", as_nginx ? "nginx" : "gate", SPAN_ARG(name));
    if (!details)
        return;
    if (as_nginx)
        fprintf(stderr, "by gate/%s\n", KEEPGATE_VERSION);
    fprintf(stderr, "built with %s\nTLS SNI support enabled\nconfigure arguments: %s\n",
            tls_library(), parts);
}
