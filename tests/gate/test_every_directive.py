"""Every directive of nginx is known where it may stand: honoured, accepted with a reason, or refused by name with what to do instead."""
import json
import pathlib
import re
import subprocess

import peers
import pytest

NAMES = {words[0]: words[1:] for words in (line.split() for line in pathlib.Path(__file__).with_name('nginx_directives.txt').read_text().splitlines()[1:])}
# what opens each context, and what closes it
CONTEXTS = {
    'main': ('events { }\n', 'http { }'), 'events': ('events {\n', '}'), 'http': ('events { }\nhttp {\n', '}'), 'server': ('events { }\nhttp { server {\n', '} }'),
    'location': ('events { }\nhttp { server { location / {\n', '} } }'), 'upstream': ('events { }\nhttp { upstream u { server 127.0.0.1:1;\n', '} }'),
    'server_if': ('events { }\nhttp { server { if ($uri) {\n', '} } }'), 'location_if': ('events { }\nhttp { server { location / { if ($uri) {\n', '} } } }'),
    'limit_except': ('events { }\nhttp { server { location / { limit_except GET {\n', '} } } }'),
}
AT_ONCE = 40  # gate shows so many errors and more
ABSENT = 'is a directive of nginx that gate does not have'
# what holds without the directive; "-": nothing is printed, for it is made of others, or of no effect here
DEFAULTS = '''client_header_timeout 60s; client_body_timeout 60s; send_timeout 60s; client_header_buffer_size 1k; large_client_header_buffers 4 8k; max_headers 1000;
    client_max_body_size 1m; client_body_buffer_size 8k; merge_slashes on; ignore_invalid_headers on; underscores_in_headers off; keepalive_requests 1000;
    keepalive_time 1h; keepalive_timeout 75s; keepalive_min_timeout 0; lingering_close on; lingering_time 30s; lingering_timeout 5s; resolver_timeout 30s; sendfile off;
    sendfile_max_chunk -; tcp_nopush -; tcp_nodelay on; postpone_output -; default_type text/plain; root html; etag on; if_modified_since exact; absolute_redirect on;
    port_in_redirect on; server_name_in_redirect off; server_tokens on; recursive_error_pages off; log_not_found on; msie_padding on; open_file_cache off;
    open_file_cache_valid 60s; open_file_cache_min_uses 1; satisfy all; reset_timedout_connection off; chunked_transfer_encoding on; server_names_hash_max_size -;
    variables_hash_max_size -; variables_hash_bucket_size -; proxy_http_version 1.1; proxy_buffering on; proxy_request_buffering on; proxy_connect_timeout 60s;
    proxy_send_timeout 60s; proxy_read_timeout 60s; proxy_buffer_size 4k; proxy_buffers 8 4k; proxy_busy_buffers_size -; proxy_temp_file_write_size -;
    proxy_max_temp_file_size 1024m; proxy_next_upstream error timeout; proxy_next_upstream_tries 0; proxy_next_upstream_timeout 0; proxy_ignore_client_abort off;
    proxy_pass_request_headers on; proxy_pass_request_body on; proxy_pass_trailers off; proxy_intercept_errors off; proxy_redirect default; proxy_store off;
    proxy_force_ranges off; proxy_socket_keepalive off; proxy_ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_ciphers DEFAULT; proxy_ssl_verify off; proxy_ssl_verify_depth 1;
    proxy_ssl_server_name off; proxy_ssl_session_reuse on; proxy_headers_hash_max_size -; proxy_headers_hash_bucket_size -; keepalive 32 local'''
GROUP_DEFAULTS = {'keepalive_requests': '1000', 'keepalive_time': '1h', 'keepalive_timeout': '60s'}  # in an upstream
VARIABLES = '''proxy_host proxy_port proxy_add_x_forwarded_for limit_conn_status limit_req_status realip_remote_addr realip_remote_port ssl_protocol
    ssl_cipher ssl_ciphers ssl_curve ssl_curves ssl_sigalg ssl_sigalgs ssl_session_id ssl_session_reused ssl_early_data ssl_server_name ssl_alpn_protocol
    ssl_ech_status ssl_ech_outer_server_name ssl_client_cert ssl_client_raw_cert ssl_client_escaped_cert ssl_client_s_dn ssl_client_i_dn
    ssl_client_s_dn_legacy ssl_client_i_dn_legacy ssl_client_serial ssl_client_fingerprint ssl_client_verify ssl_client_v_start ssl_client_v_end
    ssl_client_v_remain ssl_client_sigalg connections_active connections_reading connections_writing connections_waiting upstream_addr upstream_status
    upstream_connect_time upstream_header_time upstream_response_time upstream_response_length upstream_bytes_received upstream_bytes_sent
    upstream_cache_status upstream_cache_last_modified upstream_cache_etag upstream_http_x upstream_trailer_x upstream_cookie_x http_x content_length
    content_type host binary_remote_addr remote_addr remote_port proxy_protocol_addr proxy_protocol_port proxy_protocol_server_addr
    proxy_protocol_server_port proxy_protocol_tlv_alpn server_addr server_port server_protocol scheme https request_port is_request_port request_uri uri
    document_uri request document_root realpath_root query_string args is_args request_filename server_name request_method remote_user bytes_sent
    body_bytes_sent pipe request_completion request_body request_body_file request_length request_time request_id status sent_http_x sent_trailer_x
    limit_rate connection connection_requests connection_time nginx_version hostname pid msec time_iso8601 time_local tcpinfo_rtt tcpinfo_rttvar
    tcpinfo_snd_cwnd tcpinfo_rcv_space cookie_x arg_x http2 http3 slice_range invalid_referer secure_link secure_link_expires gzip_ratio
    modern_browser ancient_browser msie uid_got uid_set uid_reset date_local date_gmt'''.split()


@pytest.fixture
def told(gate_program, tmp_path):
    """All that is said of a configuration."""
    def told(text):
        file = tmp_path / 'a.conf'
        file.write_text(text)
        return subprocess.run([gate_program, '-t', '-p', tmp_path, '-c', file], capture_output=True, text=True, timeout=peers.PATIENCE_S, check=False).stderr
    return told


@pytest.mark.parametrize('context', CONTEXTS)
def test_it_is_known_where_it_may_stand_and_where_not(told, context):
    begin, end = CONTEXTS[context]
    for first in range(0, len(NAMES), AT_ONCE):
        names = list(NAMES)[first:first + AT_ONCE]
        output = told(begin + '\n'.join(f'{name};' for name in names if context in NAMES[name]) + f'\n{end}\n')
        assert 'unknown directive' not in output and 'not allowed here' not in output
        elsewhere = [name for name in names if context not in NAMES[name]]
        output = told(begin + '\n'.join(f'{name};' for name in elsewhere) + f'\n{end}\n')
        assert 'unknown directive' not in output
        for name in elsewhere:
            assert NAMES[name] == ['stream'] or re.search(rf'"{name}" (directive is not allowed here|{ABSENT})', output), name


def test_what_is_refused_says_what_to_do_and_what_is_accepted_why(gate_program):
    listed = json.loads(subprocess.run([gate_program, 'directives', '--json'], capture_output=True, check=True).stdout)
    assert not [each['name'] for each in listed if not each['doc']]
    assert not [each['name'] for each in listed if each['doc'] == 'Accepted, of no effect.']
    assert not set(NAMES) - {each['name'] for each in listed}


def test_every_variable_is_known(told):
    output = told('events { }\nhttp { log_format all "' + ' '.join(f'${name}' for name in VARIABLES) + '"; }\n')
    assert 'successful' in output, output


# of modules that gate does not have
ABSENT_VARIABLES = {
    'geoip_country_code geoip_country_code3 geoip_country_name geoip_org geoip_city_continent_code geoip_city_country_code geoip_city_country_code3 geoip_city_country_name '
    'geoip_region geoip_region_name geoip_city geoip_postal_code geoip_latitude geoip_longitude geoip_dma_code geoip_area_code': 'a geo block',
    'grpc_internal_trailers': 'gRPC', 'memcached_key': 'let a small service read memcached', 'fastcgi_script_name fastcgi_path_info': 'gate asks origins by HTTP',
    'proxy_add_via': 'proxy_set_header Via', 'proxy_internal_body_length proxy_internal_chunked': 'leave it out',
}


def test_variables_of_modules_that_are_not_there_say_what_to_do(told):
    for names, advice in ABSENT_VARIABLES.items():
        for name in names.split():
            output = told(f'events {{ }}\nhttp {{ log_format all "${name}"; }}\n')
            assert f'unknown "{name}" variable' in output and advice in output, output


@pytest.fixture(scope='module')
def shown(gate_program):
    """{name: [(contexts, arguments, what holds without it)]}, as "gate directives NAME ..." tells of all names, and their status."""
    listed = json.loads(subprocess.run([gate_program, 'directives', '--json'], capture_output=True, text=True, timeout=peers.PATIENCE_S, check=True).stdout)
    names = [each['name'] for each in listed if each['status'] != 'missing']
    told = subprocess.run([gate_program, 'directives', *names], capture_output=True, text=True, timeout=peers.PATIENCE_S, check=True).stdout
    found = {}
    for name, *rest in re.findall(r'^(\w+)\n(?:  \S.*\n)+?  Stands in: +(.*)\n  Arguments: +(.*)\n  Without it: +(.*)$', told, re.M):
        found.setdefault(name, []).append(tuple(rest))
    return found, {each['name']: each['status'] for each in listed}


def test_every_name_can_be_asked_for(shown, gate_program):
    found, status = shown
    assert set(found) == {name for name in status if status[name] != 'missing'}
    assert all(contexts and arguments for rows in found.values() for contexts, arguments, _ in rows)
    for name in [name for name in status if status[name] == 'missing'][::10]:
        asked = subprocess.run([gate_program, 'directives', name], capture_output=True, text=True, timeout=peers.PATIENCE_S)
        assert asked.returncode == 1 and asked.stderr.startswith(f'gate: "{name}" is a directive of nginx that gate does not have'), asked.stderr


def test_what_holds_without_a_directive_is_what_nginx_has(shown):
    found, _ = shown
    for words in DEFAULTS.split(';'):
        name, _, value = words.strip().partition(' ')
        assert [row[2] for row in found[name] if row[0] != 'upstream' or name == 'keepalive'] == [value], name
    for name, value in GROUP_DEFAULTS.items():
        assert ('upstream', value) in [(contexts, standard) for contexts, _, standard in found[name]], name
