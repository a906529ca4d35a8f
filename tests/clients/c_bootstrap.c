// A custom runtime as small as one can be: a static program that speaks the Lambda Runtime API by itself. The system
// tests use it as a `provided` function, and the benchmarks to measure a cold start without any interpreter's share.
//
// The event, as text, chooses what happens:
//   "error ..."  the invocation fails with errorType Custom.Error and the event as errorMessage
//   "exit N"     the process ends with status N, without an answer
//   "abort"      the process ends by SIGABRT
//   "sleep MS"   answers the event after MS milliseconds
//   "log TEXT"   writes the event as one line to standard output, then answers it
//   anything     answers the event as it is
// With the environment variable C_BOOTSTRAP_INIT_ERROR it posts an init error and ends with status 1.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_BYTES_MAX = 64 * 1024, BODY_BYTES_MAX = 8 * 1024 * 1024, ID_BYTES_MAX = 128 };

struct response {
    int status;
    char request_id[ID_BYTES_MAX];
    size_t body_length;
    char* body;  // into buffer
};

static char buffer[HEAD_BYTES_MAX + BODY_BYTES_MAX + 1];
static const char* api_address;
static int connection = -1;

static void fail(const char* what) {
    fprintf(stderr, "c_bootstrap: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void connect_to_api(void) {
    char host[64];
    const char* colon = strrchr(api_address, ':');
    if (!colon || (size_t)(colon - api_address) >= sizeof host) fail("AWS_LAMBDA_RUNTIME_API is not host:port");
    memcpy(host, api_address, colon - api_address);
    host[colon - api_address] = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(colon + 1))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("the host is not an IPv4 address");
    connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0 || connect(connection, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");
    int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void send_all(const char* data, size_t length, int flags) {
    while (length > 0) {
        ssize_t count = send(connection, data, length, flags | MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) fail("send");
        data += count;
        length -= (size_t)count;
    }
}

static size_t receive(size_t filled) {
    for (;;) {
        ssize_t count = recv(connection, buffer + filled, sizeof buffer - 1 - filled, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("recv");
        if (count == 0) exit(0);  // the platform has ended this instance
        return filled + (size_t)count;
    }
}

// The value of a header of buffer's head, or NULL.
static const char* find_header(const char* name) {
    size_t length = strlen(name);
    for (const char* line = strstr(buffer, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            for (line += length + 1; *line == ' '; ++line) {
            }
            return line;
        }
    }
    return NULL;
}

// Reads one response with a Content-Length.
static struct response read_response(void) {
    struct response response = {0};
    size_t filled = 0;
    char* end = NULL;
    while (!end) {
        if (filled >= HEAD_BYTES_MAX) fail("the head of the response is too long");
        filled = receive(filled);
        buffer[filled] = 0;
        end = strstr(buffer, "\r\n\r\n");
    }
    *end = 0;  // the header search stops here
    if (sscanf(buffer, "HTTP/1.1 %d", &response.status) != 1) fail("the response is not HTTP/1.1");
    const char* length = find_header("Content-Length");
    const char* id = find_header("Lambda-Runtime-Aws-Request-Id");
    response.body_length = length ? strtoul(length, NULL, 10) : 0;
    if (response.body_length > BODY_BYTES_MAX) fail("the event is too long");
    if (id) snprintf(response.request_id, ID_BYTES_MAX, "%.*s", (int)strcspn(id, "\r"), id);
    response.body = end + 4;
    while (filled < (size_t)(response.body - buffer) + response.body_length) filled = receive(filled);
    response.body[response.body_length] = 0;
    return response;
}

static void post(const char* path, const char* extra_header, const char* body, size_t length) {
    char head[1024];
    int head_length = snprintf(head, sizeof head,
                               "POST /2018-06-01/runtime/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                               "%sContent-Length: %zu\r\n\r\n",
                               path, api_address, extra_header, length);
    send_all(head, (size_t)head_length, MSG_MORE);
    send_all(body, length, 0);
    read_response();
}

static struct response next_invocation(void) {
    char head[256];
    int length = snprintf(head, sizeof head, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\n\r\n", api_address);
    send_all(head, (size_t)length, 0);
    struct response response = read_response();
    if (response.status != 200) fail("invocation/next was refused");
    return response;
}

static void sleep_ms(long ms) {
    struct timespec rest = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
    }
}

static int begins(const char* text, const char* prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static void answer(const struct response* event) {
    char path[ID_BYTES_MAX + 32];
    if (begins(event->body, "\"error")) {
        char* report = malloc(event->body_length + 128);
        if (!report) fail("malloc");
        int length = sprintf(report, "{\"errorType\":\"Custom.Error\",\"errorMessage\":%s,\"stackTrace\":[]}", event->body);
        snprintf(path, sizeof path, "invocation/%s/error", event->request_id);
        post(path, "Lambda-Runtime-Function-Error-Type: Custom.Error\r\n", report, (size_t)length);
        free(report);
        return;
    }
    if (begins(event->body, "\"exit ")) _exit(atoi(event->body + 6));
    if (begins(event->body, "\"abort")) abort();
    if (begins(event->body, "\"sleep ")) sleep_ms(atol(event->body + 7));
    if (begins(event->body, "\"log ")) dprintf(STDOUT_FILENO, "%s\n", event->body);
    snprintf(path, sizeof path, "invocation/%s/response", event->request_id);
    post(path, "", event->body, event->body_length);
}

int main(void) {
    api_address = getenv("AWS_LAMBDA_RUNTIME_API");
    if (!api_address) fail("AWS_LAMBDA_RUNTIME_API is not set");
    connect_to_api();
    if (getenv("C_BOOTSTRAP_INIT_ERROR")) {
        static const char report[] = "{\"errorType\":\"Custom.InitError\",\"errorMessage\":\"asked for\",\"stackTrace\":[]}";
        post("init/error", "Lambda-Runtime-Function-Error-Type: Custom.InitError\r\n", report, sizeof report - 1);
        return 1;
    }
    for (;;) {
        struct response event = next_invocation();
        answer(&event);
    }
}
