"""Where each thing that nginx does is tested: topics of differential_rules.py by their first words, other tests by file and name."""
import pathlib
import re

import differential_rules
import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOPICS = [what for topics in differential_rules.SECTIONS.values() for what, *_ in topics]
TABLE = {
    '1.11 rewrite: expression, replacement, scheme, arguments': ['rewrite: the expression', 'rewrite: http://', 'rewrite: arguments', 'differential_rules.py::rewriting'],
    '1.11 last, break, ten changes': ['rewrite: last', 'rewrite: ten changes', 'break:', 'test_error_lines.py::test_errors_are_told_as_by_nginx'],
    '1.11 redirects are escaped, captures encoded anew': ['rewrite: what is captured', 'test_rewrite.py::test_no_answer_is_split'],
    '1.11 return: code, text, URL, 444, codes without a range': ['return: codes', 'return: of a URL', 'return: a text', 'test_pages.py::test_444_closes_and_says_nothing', 'test_pages.py::test_every_status_has_nginxs_words'],
    '1.11 if: conditions, quoting, a location of its own': ['if: its body', 'differential_rules.py::rewriting', 'test_conf.py::test_first_errors'],
    '1.11 set: global, one value a request, unknown names': ['set: a name', 'set: what may be set', 'test_conf.py::test_first_errors', 'test_mistakes.py::test_each_mistake_has_an_answer'],
    '1.11 rewrite_log, uninitialized_variable_warn': ['test_rewrite.py::test_what_is_logged', 'test_error_lines.py::test_errors_are_told_as_by_nginx', 'set: a name'],
    '1.11 variables by prefix': ['variables by prefix: arguments', 'variables by prefix: cookies', 'variables by prefix: of an origin', 'test_variables.py::', 'test_proxy_protocol.py::test_from_the_front_as_nginx'],
    '1.12 try_files: what is found, the last word, the location goes on': ['try_files: a file', 'try_files: behind', 'try_files: the last word', 'test_try_files.py::test_what_is_found'],
    '1.12 error_page: status, path, name, redirect, codes': ['error_page: the status', 'error_page: a path', 'error_page: anything else', 'error_page: 30x', 'test_error_page.py::test_every_form', 'test_conf.py::test_verdict'],
    '1.12 recursive_error_pages; own errors and those of origins': ['recursive_error_pages', 'error_page: of what an origin', 'test_error_page.py::test_answers_of_origins'],
    '1.12 an internal redirect begins again': ['an internal redirect', 'test_limit.py::test_an_internal_redirect_is_not_counted_again'],
    '1.13 map': ['map: exact', 'map: default', 'test_map.py::test_every_text', 'test_map.py::test_include', 'test_map.py::test_captures_of_a_map_are_its_own', 'test_map.py::test_refusals_are_nginxs'],
    '1.13 geo': ['geo:', 'test_geo.py::test_every_address', 'test_geo.py::test_include', 'test_geo.py::test_proxies_that_are_trusted', 'test_geo.py::test_refusals_are_nginxs'],
    '1.13 split_clients': ['split_clients', 'test_map.py::test_every_share'],
    '1.13 limit_req': ['limit_req: who', 'limit_req: any', 'test_limit.py::test_requests_are_held_to_their_rate', 'test_limit.py::test_zones_are_shared_by_loops_and_outlive_a_reload', 'test_error_lines.py::test_errors_are_told_as_by_nginx'],
    '1.13 limit_conn, limit_rate': ['limit_conn', 'test_limit.py::test_so_many_are_in_work_and_no_more', 'test_limit.py::test_an_answer_takes_its_time'],
    '1.13 allow and deny, auth_basic, auth_request': ['allow and deny', 'auth_basic', 'auth_request: 2xx', 'auth_request: what', 'test_access.py::test_other_sockets', 'test_auth.py::test_every_form_of_password', 'test_subrequests.py::'],
    '1.13 realip': ['realip: which', 'realip: before', 'test_auth.py::test_real_addresses', 'test_auth.py::test_a_real_address_is_believed_of_trusted_ones_alone', 'test_proxy_protocol.py::test_from_the_front_as_nginx'],
    '1.13 referer, secure_link, limit_except': ['referer:', 'secure_link', 'limit_except', 'test_auth.py::test_referers', 'test_auth.py::test_links', 'test_auth.py::test_limit_except'],
    '1.14 gzip, codes of add_header and expires': ['gzip: what', 'add_header and expires', 'test_gzip.py::test_files', 'test_gzip.py::test_a_tag_that_is_weak_still_fits'],
    '1.15 log_format, combined, access_log': ['log_format: how', 'log_format: json', 'log_format: none', 'combined', 'access_log:', 'log variables', 'test_logs.py::test_lines', 'test_logs.py::test_lines_wait_for_company', 'test_logs.py::test_each_write_is_a_member_of_gzip', 'test_logs.py::test_files_with_variables_stay_open'],
    '1.15 error_log, syslog': ['test_logs.py::test_errors_go_to_syslog_at_their_own_level', 'test_logs.py::test_lines_go_to_syslog', 'test_error_lines.py::test_errors_are_told_as_by_nginx'],
    '1.15 TLS': ['test_tls.py::test_certificates_of_clients', 'test_tls.py::test_another_server_than_the_one_that_was_greeted', 'test_tls.py::test_a_key_behind_a_phrase', 'test_tls.py::test_curves_parameters_and_a_staple', 'test_tls.py::test_handshakes_that_are_rejected', 'test_tls.py::test_certificates_of_origins'],
    '1.15 the command line': ['test_drop_in.py::test_words_are_answered_as_by_nginx', 'test_process.py::test_a_good_configuration', 'test_process.py::test_a_bad_configuration', 'test_process.py::test_the_configuration_is_shown', 'test_process.py::test_wrong_words'],
    '1.15 signals, upgrade, pid file, users': ['test_process.py::test_signals_by_word', 'test_process.py::test_reload', 'test_process.py::test_logs_are_opened_anew', 'test_process.py::test_privileges_are_dropped', 'test_process.py::test_shutdown_timeout', 'test_process.py::test_one_process', 'test_drop_in.py::test_another_program_takes_its_place',
                                              'test_drop_in.py::test_the_old_program_comes_back', 'test_drop_in.py::test_a_port_that_is_taken_is_in_the_log'],
    '1.15 modules that are not there are refused by name': ['test_every_directive.py::test_what_is_refused_says_what_to_do_and_what_is_accepted_why', 'test_language_tools.py::test_what_another_module_would_do_is_said'],
    '1.16 what differs on purpose': ['test_compat.py::', 'test_mistakes.py::test_all_of_them_are_told_in_one_run', 'test_rewrite.py::test_no_answer_is_split'],
    '1.17 what surrounds it': ['test_drop_in.py::test_v_is_what_certbot_and_scripts_look_for', 'test_drop_in.py::test_it_is_there_when_the_command_returns', 'test_drop_in.py::test_the_init_script_of_the_distribution', 'test_process.py::test_called_nginx', 'test_process.py::test_v_names_no_module_that_is_there_as_left_out',
                             'test_pages.py::test_the_server_is_named', 'test_listing.py::test_folders', 'test_status.py::test_figures'],
}


def is_there(word):
    file, _, name = word.partition('::')
    if file.endswith('.py'):
        return re.search(rf'^def {name or "test_"}', (HERE / file).read_text(), re.M)
    return sum(topic.startswith(word) for topic in TOPICS) == 1


@pytest.mark.parametrize('what', TABLE)
def test_each_has_its_cases(what):
    assert not [word for word in TABLE[what] if not is_there(word)]


def test_each_topic_stands_in_the_table():
    named = [word for words in TABLE.values() for word in words]
    assert not [topic for topic in TOPICS if not any(topic.startswith(word) for word in named)]
