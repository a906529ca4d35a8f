# frozen_string_literal: true

# Entry point of a template: ruby3.X /var/runtime/template.rb (see README.md).
require_relative "lambent_runtime/template"
LambentRuntime::Template.new.serve
