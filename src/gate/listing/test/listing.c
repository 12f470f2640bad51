/* Folders as pages, in every format, as Debian's nginx 1.22 wrote them. */
#include "gate/listing/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test/check.h"

static char dir_name[] = "sub dir", file_name[] = "a b&<c>\".txt",
            long_name[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.txt";
static struct listing_entry entries[] = {
    {dir_name, .is_directory = true, .modified = 784111777},
    {file_name, .is_file = true, .size = 123456, .modified = 784111777},
    {long_name, .modified = 784111777},
};
static const struct listing some = {entries, 3};

static const struct {
    struct listing_form form;
    const char *page;
} pages[] = {
    {{.format = LISTING_HTML, .exact_size = true},
     "<html>\r\n<head><title>Index of /&lt;/</title></head>\r\n<body>\r\n<h1>Index of "
     "/&lt;/</h1><hr><pre><a href=\"../\">../</a>\r\n<a href=\"sub%20dir/\">sub dir/</a>"
     "                                           06-Nov-1994 08:49                   -\r\n"
     "<a href=\"a%20b%26%3Cc%3E%22.txt\">a b&amp;&lt;c&gt;&quot;.txt</a>"
     "                                       06-Nov-1994 08:49              123456\r\n"
     "<a href=\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.txt\">"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..&gt;</a> 06-Nov-1994 08:49"
     "                   0\r\n</pre><hr></body>\r\n</html>\r\n"},
    {{.format = LISTING_XML},
     "<?xml version=\"1.0\"?>\r\n<list>\r\n<directory mtime=\"1994-11-06T08:49:37Z\">sub "
     "dir</directory>\r\n<file mtime=\"1994-11-06T08:49:37Z\" size=\"123456\">a "
     "b&amp;&lt;c&gt;&quot;.txt</file>\r\n<other mtime=\"1994-11-06T08:49:37Z\">"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.txt</other>\r\n"
     "</list>\r\n"},
    {{.format = LISTING_JSONP, .callback = SPAN("f")},
     "/* callback */\r\nf([\r\n{ \"name\":\"sub dir\", \"type\":\"directory\", "
     "\"mtime\":\"Sun, 06 Nov 1994 08:49:37 GMT\" },\r\n{ \"name\":\"a b&<c>\\\".txt\", "
     "\"type\":\"file\", \"mtime\":\"Sun, 06 Nov 1994 08:49:37 GMT\", \"size\":123456 },\r\n"
     "{ \"name\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.txt\", "
     "\"type\":\"other\", \"mtime\":\"Sun, 06 Nov 1994 08:49:37 GMT\" }\r\n]);"},
};

static void every_format(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        struct text out = {0};

        listing_write(&some, &pages[i].form, SPAN("/</"), &out);
        assert_string_equal(out.at, pages[i].page);
        text_clear(&out);
    }
}

static void a_real_folder(void **state)
{
    char path[] = "/tmp/gate-listing-XXXXXX", inner[64];
    struct listing listing;
    struct fault why = {0};

    (void)state;
    assert_non_null(mkdtemp(path));
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"b", "a", ".hidden"};

        snprintf(inner, sizeof inner, "%s/%s", path, names[i]);
        fclose(fopen(inner, "w"));
    }
    snprintf(inner, sizeof inner, "%s/z", path);
    mkdir(inner, 0700);
    assert_int_equal(listing_read(&listing, path, &why), RC_OK);
    assert_int_equal(listing.count, 3);
    assert_string_equal(listing.entries[0].name, "z");
    assert_string_equal(listing.entries[1].name, "a");
    assert_string_equal(listing_choose(&listing, 3)->name, "b");
    listing_clear(&listing);
    assert_int_equal(listing_read(&listing, inner, &why), RC_OK);
    assert_null(listing_choose(&listing, 1));
    listing_clear(&listing);
    rmdir(inner);
    assert_int_equal(listing_read(&listing, inner, &why), RC_NOT_FOUND);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"b", "a", ".hidden"};

        snprintf(inner, sizeof inner, "%s/%s", path, names[i]);
        unlink(inner);
    }
    rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_format),
                                       cmocka_unit_test(a_real_folder)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
