# frozen_string_literal: true

require "fiddle"
require "socket"

require_relative "main"
require_relative "randomness"

module LambentRuntime
  # A template: a Ruby with this client loaded and no user code, of which each instance is a fork.
  #
  # serve() asks the platform's library (src/sandbox/template_child.cpp) for orders and forks on each. The fork becomes
  # an instance: it joins its sandbox, waits for its assignment, and from then on is what a new process would be, by the
  # steps of begin_as_new(). Where a new process would differ in what cannot be changed after its start, must_exec? says
  # so, and the fork replaces itself by one.
  class Template
    # What handlers load most.
    COMMON = %w[
      base64 bigdecimal cgi csv date delegate digest erb fileutils forwardable json logger monitor net/http open3
      openssl optparse ostruct pp securerandom set shellwords singleton stringio strscan tempfile time timeout tmpdir
      uri yaml zlib
    ].freeze

    # Read by Ruby, the C library or OpenSSL at their start only. RUBYLIB, GEM_PATH and TZ can follow later.
    START_ONLY = /\A(?!RUBYLIB\z)(RUBY|LD_|LC_|LANG|GLIBC_|MALLOC_|OPENSSL_|SSL_|BUNDLE)/

    LIBRARY = "/var/runtime/lambent_template.so"
    FOLDER = File.dirname(__dir__)
    REHEARSALS = 5

    def initialize
      own = ENV.select { |name, _| name.start_with?("LAMBENT_TEMPLATE_") }
      own.each_key { |name| ENV.delete(name) }
      @control = Integer(own.fetch("LAMBENT_TEMPLATE_FD", "3"))
      @library = open_library(own.fetch("LAMBENT_TEMPLATE_LIBRARY", LIBRARY))
      require_single_thread
      own["LAMBENT_TEMPLATE_MODE"] == "snapshot" ? make_snapshot : make_blank
    end

    # In each fork: runs the instance and does not return.
    def serve
      3.times { GC.start }
      GC.compact if GC.respond_to?(:compact)
      while @library[:next].call(@control) == 1
        child = fork { @snapshot ? resume : become_instance }
        @library[:forked].call(child)
      end
    end

    private

    # Nothing of any user is in it.
    def make_blank
      @started_with = ENV.select { |name, _| START_ONLY.match?(name) }
      @libraries = $LOAD_PATH - ENV.fetch("RUBYLIB", "").split(":")
      @environment = ENV.to_h
      COMMON.each { |name| load_ahead(name) }
      REHEARSALS.times { rehearse }
      ENV.clear
    end

    # INIT has run in it.
    def make_snapshot
      require_relative "snapshot"
      $PROGRAM_NAME = File.join(FOLDER, "bootstrap.rb")
      @snapshot = Snapshot.new
    end

    def resume
      @snapshot.run(wait)
    end

    # The environment of the assignment, once it is there.
    def wait
      events = event_descriptors
      fd = @library[:join].call.zero? ? @library[:wait].call : -1
      exit!(1) if fd.negative? # the platform knows why
      environment = read_environment(fd)
      renew_event_descriptors(events)
      environment
    end

    def open_library(path)
      handle = Fiddle.dlopen(path)
      define = lambda do |name, arguments|
        Fiddle::Function.new(handle["lambent_template_#{name}"], arguments, Fiddle::TYPE_INT)
      end
      { next: define.call("next", [Fiddle::TYPE_INT]), forked: define.call("forked", [Fiddle::TYPE_INT]),
        join: define.call("join", []), wait: define.call("wait", []) }
    end

    def load_ahead(name)
      require name
    rescue LoadError => error
      warn("template: #{name} is not loaded ahead: #{error.message}")
    end

    # From Ruby 3.3 on it keeps a thread of its own, which could not join a sandbox.
    def require_single_thread
      return if Dir.children("/proc/self/task").size == 1

      warn("template: this Ruby has more than one thread")
      exit!(1)
    end

    def become_instance
      rehearse
      ENV.clear
      environment = wait
      script = File.join(FOLDER, "bootstrap.rb")
      line = Integer(environment.fetch(Line::VARIABLE))
      exec(environment, RbConfig.ruby, script, unsetenv_others: true, line => line) if must_exec?(environment)
      begin_as_new(environment, script)
      Randomness.renew
      LambentRuntime.run
    end

    def must_exec?(environment)
      environment.select { |name, _| START_ONLY.match?(name) } != @started_with
    end

    def begin_as_new(environment, script)
      ENV.replace(environment)
      $LOAD_PATH.replace(environment.fetch("RUBYLIB", "").split(":") + @libraries)
      Gem.clear_paths if defined?(Gem) # GEM_PATH and GEM_HOME
      ARGV.clear
      $PROGRAM_NAME = script
      Dir.chdir(environment.fetch("LAMBDA_TASK_ROOT", Loader::TASK_ROOT))
    end

    # A start and an invocation, of which nothing stays. In a fork that waits for its assignment it has the pages of
    # memory which a start writes copied by then: these page faults are most of a start's time.
    def rehearse
      root = File.join(FOLDER, "rehearsal")
      begin_as_new(@environment.merge("LAMBDA_TASK_ROOT" => root), $PROGRAM_NAME)
      Logs.arrange
      handler = Loader.load(root, "sample.rehearsed_handler")
      serve_sample(handler)
      $LOADED_FEATURES.delete(File.join(root, "sample.rb"))
      Object.send(:remove_const, :TABLE)
      Object.send(:remove_method, :rehearsed_handler)
      Logs.request_id = nil
    end

    def serve_sample(handler)
      ours, platform = UNIXSocket.pair
      platform.write([12, 0, 0, 1, 6, 0, 0, 0, 0].pack(Line::CALL) << '0Root=0{"key": [1]}')
      Invocation.serve_one(Line.new(ours), handler)
      [ours, platform].each(&:close)
    end

    # Ruby talks to itself by these, and asks the kernel for readiness, so /dev/null would not do.
    def event_descriptors
      numbers = Dir.children("/proc/self/fd").map(&:to_i)
      numbers.select { |fd| fd > 2 && link_of(fd) == "anon_inode:[eventfd]" }
    end

    def link_of(number)
      File.readlink("/proc/self/fd/#{number}")
    rescue SystemCallError
      nil
    end

    # The platform closes all it does not know.
    def renew_event_descriptors(numbers)
      libc = Fiddle.dlopen(nil)
      eventfd = Fiddle::Function.new(libc["eventfd"], [Fiddle::TYPE_INT, Fiddle::TYPE_INT], Fiddle::TYPE_INT)
      dup3 = Fiddle::Function.new(libc["dup3"], [Fiddle::TYPE_INT] * 3, Fiddle::TYPE_INT)
      close = Fiddle::Function.new(libc["close"], [Fiddle::TYPE_INT], Fiddle::TYPE_INT)
      flags = File::NONBLOCK | 0o2000000 # EFD_CLOEXEC is O_CLOEXEC
      numbers.each do |number|
        made = eventfd.call(0, flags)
        next if made == number

        dup3.call(made, number, 0o2000000)
        close.call(made)
      end
    end

    def read_environment(fd)
      input = IO.for_fd(fd, "r") # in the encoding of the locale, as ENV is
      pairs = input.read.split("\0").map { |entry| entry.split("=", 2) }
      input.close
      pairs.to_h
    end
  end
end
