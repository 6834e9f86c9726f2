# Three targets: the addon, the holder (one process per session) and the client. No library but libc.
#   asan=1 builds the two executables with AddressSanitizer and UndefinedBehaviorSanitizer (see scripts/build-sanitized.sh)
{
  'variables': {
    'asan%': 0,
    'falcon_version': '<!(node -p "require(\'../package.json\').version")',
  },
  'target_defaults': {
    'defines': ['_GNU_SOURCE', 'FALCON_VERSION="<(falcon_version)"'],
    'cflags': ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-fno-strict-aliasing'],
    'cflags!': ['-Wno-unused-parameter'],
    'xcode_settings': {'GCC_C_LANGUAGE_STANDARD': 'gnu11', 'OTHER_CFLAGS': ['-Wall', '-Wextra']},
    'include_dirs': ['.'],
  },
  'targets': [
    {
      'target_name': 'sys',
      'sources': ['addon.c', 'job.c', 'addon_filter.c', 'allowance_addon.c', 'folder_addon.c',
                  'machine.c', 'machine_addon.c', 'plain_text_scan.c', 'stream_filter.c', 'tokenizer.c',
                  'question_filter.c', 'policy_filter.c', 'sequence_rules.c', 'mode_rules.c', 'usage.c',
                  'usage_addon.c', 'os_linux.c', 'os_darwin.c'],
      'defines': ['NAPI_VERSION=8'],
    },
    {
      'target_name': 'holder',
      'type': 'executable',
      'sources': ['holder.c', 'holder_pty.c', 'holder_log.c', 'holder_record.c', 'holder_child.c',
                  'holder_server.c', 'holder_typing.c', 'holder_cursor.c', 'allowance.c', 'os_linux.c',
                  'os_darwin.c'],
    },
    {
      'target_name': 'falcon',
      'type': 'executable',
      'sources': ['client.c', 'client_connection.c', 'client_direct.c', 'client_end.c',
                  'client_frames.c', 'client_input.c', 'client_request.c', 'client_sending.c',
                  'client_signals.c', 'channel.c', 'relay.c', 'bridge.c', 'prose.c', 'away.c',
                  'direct.c', 'keys.c', 'stream_filter.c', 'tokenizer.c', 'question_filter.c',
                  'policy_filter.c', 'sequence_rules.c', 'mode_rules.c', 'start.c', 'place.c', 'home.c',
                  'machine.c', 'job.c', 'folder.c', 'terminal.c', 'typing.c', 'allowance.c',
                  'os_linux.c', 'os_darwin.c'],
    },
  ],
}
