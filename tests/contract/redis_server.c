/* SPDX-License-Identifier: Apache-2.0 */
/* A real redis-server. */
#include "contract/redis_server.h"

#include "base/attributes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, LOOK_MS = 2, ARGUMENTS_MAX = 64, PORT_FIRST = 20000, PORTS = 10000 };

static const char *const programs[] = {"redis-server", "valkey-server"};

static bool is_on_path(const char *program)
{
    char path[4096], file[4400], *rest = path, *folder;

    snprintf(path, sizeof(path), "%s", getenv("PATH") ? getenv("PATH") : "/usr/bin");
    while ((folder = strsep(&rest, ":"))) {
        snprintf(file, sizeof(file), "%s/%s", folder, program);
        if (access(file, X_OK) == 0)
            return true;
    }
    return false;
}

static const char *find_program(void)
{
    const char *wanted = getenv("PASSGATE_REDIS_SERVER");

    if (wanted)
        return is_on_path(wanted) ? wanted : NULL;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        if (is_on_path(programs[i]))
            return programs[i];
    return NULL;
}

bool redis_server_is_installed(void)
{
    return find_program() != NULL;
}

/* Loopback only, and below the ports that the kernel gives to those who connect. */
uint16_t redis_server_free_port(void)
{
    for (unsigned i = 0; i < PORTS; i++) {
        uint16_t port = (uint16_t)(PORT_FIRST + ((unsigned)getpid() * 7 + i) % PORTS);
        struct sockaddr_in address = {
            .sin_family = AF_INET,
            .sin_port = htons(port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

        close(fd);
        if (is_free)
            return port;
    }
    abort();
}

static void execute(const struct redis_server_process *server, const char *program)
{
    const char *arguments[ARGUMENTS_MAX] = {
        program,
        "--port",
        "0",
        "--unixsocket",
        server->socket,
        "--dir",
        server->folder,
        "--appendonly",
        server->has_no_aof ? "no" : "yes",
        "--bind",
        "127.0.0.1",
        "--appendfsync",
        "always",
        "--save",
        "",
        "--daemonize",
        "no",
        "--repl-diskless-sync-delay",
        "0",
    };
    size_t count = 0;
    int null = open("/dev/null", O_RDWR);

    while (arguments[count])
        count++;
    if (server->password) {
        arguments[count++] = "--requirepass";
        arguments[count++] = server->password;
    }
    for (size_t i = 0; server->arguments && server->arguments[i]; i++)
        arguments[count++] = server->arguments[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* with the thread that started it */
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    execvp(program, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static redisContext *dial(const struct redis_server_process *server)
{
    redisContext *context = redisConnectUnix(server->socket);

    if (context && !context->err && server->password)
        freeReplyObject(redisCommand(context, "AUTH %s", server->password));
    return context;
}

static bool answers(const struct redis_server_process *server)
{
    redisContext *context = dial(server);
    redisReply *reply = context && !context->err ? redisCommand(context, "PING") : NULL;
    bool is_status = reply && reply->type == REDIS_REPLY_STATUS;

    if (reply)
        freeReplyObject(reply);
    if (context)
        redisFree(context);
    return is_status;
}

void redis_server_start(struct redis_server_process *server, const char *folder)
{
    const char *program = find_program();

    snprintf(server->folder, sizeof(server->folder), "%.200s/redis", folder);
    snprintf(server->socket, sizeof(server->socket), "%s/socket", server->folder);
    mkdir(server->folder, 0700);
    server->pid = fork();
    if (server->pid == 0)
        execute(server, program);
    for (int waited_ms = 0; !answers(server); waited_ms += LOOK_MS) {
        if (waited_ms > PATIENCE_MS || waitpid(server->pid, NULL, WNOHANG) != 0) {
            fprintf(stderr, "%s does not answer\n", program);
            abort();
        }
        usleep(LOOK_MS * 1000);
    }
}

void redis_server_kill(struct redis_server_process *server)
{
    if (server->pid == 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    unlink(server->socket);
    server->pid = 0;
}

void redis_server_pause(const struct redis_server_process *server, bool is_paused)
{
    kill(server->pid, is_paused ? SIGSTOP : SIGCONT);
}

static long long run(const struct redis_server_process *server, const char *format, va_list values)
{
    redisContext *context = dial(server);
    redisReply *reply = redisvCommand(context, format, values);
    long long result;

    if (!reply || reply->type == REDIS_REPLY_ERROR) {
        fprintf(stderr, "%s: %s\n", format, reply ? reply->str : context->errstr);
        abort();
    }
    result = reply->type == REDIS_REPLY_INTEGER ? reply->integer : (long long)reply->elements;
    freeReplyObject(reply);
    redisFree(context);
    return result;
}

void redis_server_do(const struct redis_server_process *server, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    run(server, format, values);
    va_end(values);
}

long long redis_server_ask(const struct redis_server_process *server, const char *format, ...)
{
    va_list values;
    long long result;

    va_start(values, format);
    result = run(server, format, values);
    va_end(values);
    return result;
}

long long redis_server_info(const struct redis_server_process *server, const char *name)
{
    redisContext *context = dial(server);
    redisReply *reply = redisCommand(context, "INFO everything");
    const char *line = reply && reply->str ? strstr(reply->str, name) : NULL;
    long long number = line ? strtoll(line + strlen(name), NULL, 10) : -1;

    if (reply)
        freeReplyObject(reply);
    redisFree(context);
    return number;
}
