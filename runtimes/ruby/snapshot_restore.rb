# frozen_string_literal: true

# Hooks of a function around its snapshot. Without snapshots nothing is ever called.
#
#   require "snapshot_restore"
#   SnapshotRestore.register_before_snapshot { pool.close }
#   SnapshotRestore.register_after_restore { pool.open }
module SnapshotRestore
  @before_snapshot = []
  @after_restore = []

  class << self
    attr_reader :before_snapshot, :after_restore

    # Has the block run once INIT is done, the last registered first.
    def register_before_snapshot(&hook)
      @before_snapshot.unshift(hook)
    end

    # Has the block run in each instance before its first invocation, in the order of registration.
    def register_after_restore(&hook)
      @after_restore.push(hook)
    end
  end
end
