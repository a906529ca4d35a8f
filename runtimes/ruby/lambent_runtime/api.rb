# frozen_string_literal: true

require "json"
require "socket"

module LambentRuntime
  # The Lambda Runtime API over one kept-alive HTTP/1.1 connection, which is made at the first request.
  class Api
    PREFIX = "/2018-06-01/runtime/"
    JOIN_BYTES_MAX = 1 << 16 # up to this size head and body leave in one write

    # The platform cannot be talked to any more; the process must end.
    class Lost < StandardError; end

    # address: "host:port". socket: connected, or nil.
    def initialize(address, socket = nil)
      @host, _, @port = address.rpartition(":")
      @host = @host.delete("[]")
      @address = address
      @socket = socket
    end

    # Waits for an invocation: [headers with lower-case names, body in binary].
    def next_invocation
      status, headers, body = request("GET", "invocation/next")
      raise Lost, "the runtime API answered #{status} to invocation/next" unless status == 200

      [headers, body]
    rescue SystemCallError, IOError => error
      raise Lost, "the runtime API is gone: #{error.message}"
    end

    def post_response(request_id, body, content_type)
      post("invocation/#{request_id}/response", body, "Content-Type: #{content_type}\r\n")
    end

    # report: as Faults.describe makes it.
    def post_error(request_id, report)
      post_report("invocation/#{request_id}/error", report)
    end

    def post_init_error(report)
      post_report("init/error", report)
    end

    def post_restore_error(report)
      post_report("restore/error", report)
    end

    private

    def post_report(path, report)
      type = report[:errorType].gsub(/[^!-~]/, "")
      post(path, JSON.generate(report),
           "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: #{type}\r\n")
    end

    # A refusal (such as 413) is already known to the platform, which answers the caller; so the loop goes on. A lost
    # connection shows at the next request. A server error means that the platform has given this instance up.
    def post(path, body, headers)
      status, = request("POST", path, headers, body.b)
      raise Lost, "the runtime API answered #{status} to #{path}" if status >= 500
    rescue SystemCallError, IOError
      close
    end

    def request(method, path, headers = "", body = "")
      length = method == "POST" ? "Content-Length: #{body.bytesize}\r\n" : ""
      head = "#{method} #{PREFIX}#{path} HTTP/1.1\r\nHost: #{@address}\r\n#{length}#{headers}\r\n".b
      reused = !@socket.nil?
      begin
        exchange(head, body)
      rescue SystemCallError, IOError
        close
        raise unless reused && method == "GET"

        exchange(head, body) # the server had closed an idle connection
      end
    end

    def exchange(head, body)
      @socket ||= connect
      if body.bytesize <= JOIN_BYTES_MAX
        @socket.write(head + body)
      else
        @socket.write(head)
        @socket.write(body)
      end
      read_response
    end

    def connect
      socket = TCPSocket.new(@host, Integer(@port))
      socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      socket.binmode
      socket
    end

    def close
      @socket&.close
      @socket = nil
    end

    def read_line
      line = @socket.gets("\r\n")
      raise EOFError, "the runtime API closed the connection" unless line&.end_with?("\r\n")

      line.chomp("\r\n")
    end

    def read_exactly(length)
      body = length.zero? ? "".b : @socket.read(length)
      raise EOFError, "the runtime API closed the connection" unless body && body.bytesize == length

      body
    end

    def read_response
      status = Integer(read_line.split(" ", 3)[1])
      headers = {}
      until (line = read_line).empty?
        name, value = line.split(":", 2)
        headers[name.downcase] = value.strip.force_encoding(Encoding::UTF_8)
      end
      chunked = headers["transfer-encoding"]&.downcase == "chunked"
      body = chunked ? read_chunks : read_exactly(headers.fetch("content-length", "0").to_i)
      close if headers["connection"]&.downcase == "close"
      [status, headers, body]
    end

    def read_chunks
      body = "".b
      until (size = read_line.to_i(16)).zero?
        body << read_exactly(size)
        read_line
      end
      nil until read_line.empty? # trailers
      body
    end
  end
end
