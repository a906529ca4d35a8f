# frozen_string_literal: true

# Entry point of the Ruby runtime: ruby3.X /var/runtime/bootstrap.rb (see README.md).
require_relative "lambent_runtime/main"
LambentRuntime.run
