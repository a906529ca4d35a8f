// Answers the event; as text, the event chooses a failure instead (the same words as in c_bootstrap.c).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// AskedError is what "error …" fails with: the client reports the type's name.
type AskedError struct{ text string }

func (e AskedError) Error() string { return e.text }

func handle(_ context.Context, event json.RawMessage) (json.RawMessage, error) {
	var text string
	if json.Unmarshal(event, &text) != nil {
		return event, nil
	}
	number := func(prefix string) int {
		value, _ := strconv.Atoi(strings.TrimPrefix(text, prefix))
		return value
	}
	switch {
	case strings.HasPrefix(text, "error"):
		return nil, AskedError{text}
	case strings.HasPrefix(text, "exit "):
		os.Exit(number("exit "))
	case strings.HasPrefix(text, "sleep "):
		time.Sleep(time.Duration(number("sleep ")) * time.Millisecond)
	case strings.HasPrefix(text, "log "):
		fmt.Println(text[len("log "):])
	}
	return event, nil
}

// An answer of a reader goes out piece by piece.
func stream(_ context.Context, event json.RawMessage) (io.Reader, error) {
	reader, writer := io.Pipe()
	go func() {
		writer.Write([]byte("one "))
		if string(event) == `"error"` {
			writer.CloseWithError(errors.New("in the middle"))
			return
		}
		writer.Write([]byte("two"))
		writer.Close()
	}()
	return reader, nil
}

// For a function URL.
func page(_ context.Context, _ json.RawMessage) (*events.LambdaFunctionURLStreamingResponse, error) {
	return &events.LambdaFunctionURLStreamingResponse{
		StatusCode: 418,
		Headers:    map[string]string{"Content-Type": "text/tea"},
		Body:       strings.NewReader("a page"),
	}, nil
}

func main() {
	switch os.Getenv("_HANDLER") {
	case "stream":
		lambda.Start(stream)
	case "page":
		lambda.Start(page)
	}
	lambda.Start(handle)
}
