# frozen_string_literal: true

require "json"

module LambentRuntime
  # The line to the platform: frames over an inherited stream socket, in place of the Runtime API over HTTP.
  #
  # One frame a call comes, one goes back (src/runtime_api/frames.h has the layout). Reads and writes block.
  class Line
    VARIABLE = "_LAMBENT_RUNTIME_LINE" # names the descriptor
    CALL = "L<L<q<S<S<S<S<S<S<"
    CALL_BYTES = 28
    ANSWER = "CCS<S<S<L<"
    READ_BYTES = 1 << 16
    JOIN_BYTES_MAX = 1 << 16 # up to this size head and body leave in one write
    TYPE_BYTES_MAX = 1024
    WAITING, RESPONSE, ERROR, INIT_ERROR, RESTORE_ERROR = 1, 2, 3, 4, 8
    IS_WAITING = 1

    # The platform cannot be talked to any more; the process must end.
    class Lost < StandardError; end

    # One invocation. Texts are "" where there is none; payload is JSON text.
    Call = Struct.new(:request_id, :trace_id, :arn, :identity, :tenant_id, :client_context, :payload, :deadline_ms)

    # The line that the environment names, whose variable is gone then.
    def self.take(environment)
      new(IO.for_fd(Integer(environment.delete(VARIABLE)), "r+b"))
    end

    # socket: connected, blocking.
    def initialize(socket)
      @socket = socket
      @socket.sync = true
      @has_said_that_it_waits = false
    end

    # Waits for an invocation.
    def next_call
      write([WAITING, IS_WAITING, 0, 0, 0, 0].pack(ANSWER)) unless @has_said_that_it_waits
      @has_said_that_it_waits = false
      data = read(READ_BYTES)
      data << read(READ_BYTES) while data.bytesize < CALL_BYTES
      payload, context, deadline_ms, *sizes, _unused = data.unpack(CALL)
      sizes.push(context, payload)
      missing = CALL_BYTES + sizes.sum - data.bytesize
      while missing.positive?
        piece = read(missing)
        data << piece
        missing -= piece.bytesize
      end
      at = CALL_BYTES
      texts = sizes.map { |size| data.byteslice((at += size) - size, size).force_encoding(Encoding::UTF_8) }
      Call.new(*texts, deadline_ms)
    end

    # The last of a call: the platform may send the next one at once.
    def post_response(request_id, body, content_type)
      @has_said_that_it_waits = true
      post(RESPONSE, IS_WAITING, request_id, content_type, body)
    end

    # report: as Faults.describe makes it.
    def post_error(request_id, report)
      @has_said_that_it_waits = true
      post_report(ERROR, IS_WAITING, request_id, report)
    end

    def post_init_error(report)
      post_report(INIT_ERROR, 0, "", report)
    end

    def post_restore_error(report)
      post_report(RESTORE_ERROR, 0, "", report)
    end

    private

    # An error's type can be any text; it goes into a header and into the log.
    def post_report(kind, flags, request_id, report)
      type = report[:errorType].to_s.gsub(/[^!-~]/, "")[0, TYPE_BYTES_MAX]
      post(kind, flags, request_id, type.empty? ? "Error" : type, JSON.generate(report))
    end

    def post(kind, flags, request_id, type, body)
      head = [kind, flags, request_id.bytesize, type.bytesize, 0, body.bytesize].pack(ANSWER)
      head << request_id.b << type.b
      if body.bytesize <= JOIN_BYTES_MAX
        write(head << body.b)
      else
        write(head)
        write(body.b)
      end
    end

    def write(data)
      count = @socket.syswrite(data)
      while count < data.bytesize
        data = data.byteslice(count..)
        count = @socket.syswrite(data)
      end
    rescue SystemCallError, IOError => error
      raise Lost, "the line to the platform is cut: #{error.message}"
    end

    def read(length)
      @socket.sysread(length)
    rescue SystemCallError, IOError => error
      raise Lost, "the line to the platform is cut: #{error.message}"
    end
  end
end
