# Three targets: the addon, the holder (one process per session) and the client. No library but libc.
{
  'variables': {
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
      'sources': ['addon/addon.c', 'addon/addon_filter.c', 'addon/allowance_addon.c', 'addon/folder_addon.c',
                  'addon/machine_addon.c', 'addon/usage.c', 'addon/usage_addon.c',
                  'home/job.c', 'home/machine.c',
                  'filter/mode_rules.c', 'filter/plain_text_scan.c', 'filter/policy_filter.c',
                  'filter/question_filter.c', 'filter/sequence_rules.c', 'filter/stream_filter.c',
                  'filter/tokenizer.c',
                  'system/os_darwin.c', 'system/os_linux.c'],
      'defines': ['NAPI_VERSION=8'],
    },
    {
      'target_name': 'holder',
      'type': 'executable',
      'sources': ['holder/holder.c', 'holder/holder_child.c', 'holder/holder_cursor.c', 'holder/holder_log.c',
                  'holder/holder_pty.c', 'holder/holder_record.c', 'holder/holder_server.c',
                  'holder/holder_typing.c',
                  'system/allowance.c', 'system/os_darwin.c', 'system/os_linux.c'],
    },
    {
      'target_name': 'falcon',
      'type': 'executable',
      'sources': ['client/client.c', 'client/client_connection.c', 'client/client_direct.c',
                  'client/client_end.c', 'client/client_frames.c', 'client/client_input.c',
                  'client/client_request.c', 'client/client_sending.c', 'client/client_signals.c',
                  'client/direct.c', 'client/keys.c', 'client/prose.c', 'client/terminal.c',
                  'client/typing.c',
                  'remote/away.c', 'remote/bridge.c', 'remote/channel.c', 'remote/relay.c',
                  'home/folder.c', 'home/home.c', 'home/job.c', 'home/machine.c', 'home/place.c',
                  'home/start.c',
                  'filter/mode_rules.c', 'filter/policy_filter.c', 'filter/question_filter.c',
                  'filter/sequence_rules.c', 'filter/stream_filter.c', 'filter/tokenizer.c',
                  'system/allowance.c', 'system/os_darwin.c', 'system/os_linux.c'],
    },
  ],
}
