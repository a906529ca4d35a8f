# frozen_string_literal: true

module LambentRuntime
  # What a fork has to seed anew. Ruby itself does so for its own generator (rand, Random.rand, shuffle).
  module Randomness
    module_function

    def renew
      renew_temporary_names
      # OpenSSL knows a fork by its process id, which may be the template's, as each has a pid namespace of its own.
      OpenSSL::Random.random_add(Random.urandom(32), 32.0) if defined?(OpenSSL::Random)
    end

    # Up to Ruby 3.1 names of temporary files come from a generator that is seeded when the library is loaded.
    def renew_temporary_names
      return unless defined?(Dir::Tmpname) && Dir::Tmpname.const_defined?(:RANDOM)

      generator = Dir::Tmpname.const_get(:RANDOM)
      generator.send(:initialize) if generator.is_a?(Random)
    end
  end
end
