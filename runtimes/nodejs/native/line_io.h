// Reads and writes of the line to the platform (lambent/line.cjs) for instances that are forks.
//
// Blocking, as those of Node.js's fs, but for two things. A read first waits with poll(2): the platform wakes this end
// whenever it takes something from the line, to tell that there is room, which poll sleeps on through. And the
// descriptor SAMPLE is a line at whose other end there is always the same call, so that a template rehearses with the
// very functions that its forks use.
#pragma once

#include <node_api.h>

enum { LINE_SAMPLE = -1 };

// lineRead(fd, buffer, at, length): the number of bytes, 0 at the end.
napi_value line_read(napi_env env, napi_callback_info info);
// lineWrite(fd, buffer, at, length): the number of bytes, 0 where nobody reads any more.
napi_value line_write(napi_env env, napi_callback_info info);
// lineSample(buffer): the call, as it comes over a line.
napi_value line_sample(napi_env env, napi_callback_info info);
// What is to be done once SAMPLE has been given a response.
void line_on_sample_response(void (*call)(void));
