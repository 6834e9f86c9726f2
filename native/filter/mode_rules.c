// See mode_rules.h. Sources: ctlseqs of xterm (patch 400); VTE's modes.py; kitty's modes.h and its protocol
// extensions; WezTerm's escape sequences; Windows Terminal's DispatchTypes.hpp; iTerm2's VT100Terminal and
// its "Proprietary Escape Codes"; console_codes(4) of Linux; ECMA-48 for ANSI modes.
#include "filter/mode_rules.h"

#include <stdio.h>

#define ALL "all"

const struct mode_rule mode_rules[] = {
    // ANSI
    {2, false, MODE_NEVER, LEAVE_NOTHING, false, "KAM, the keyboard locked", "xterm"},
    {3, false, MODE_NEVER, LEAVE_NOTHING, false, "CRM, controls are shown instead of obeyed", "Linux"},
    {4, false, MODE_PASSES, LEAVE_RESET, false, "IRM, insertion", ALL},
    {8, false, MODE_PASSES, LEAVE_SET, false, "BDSM, implicit bidirectional text", "VTE"},
    {12, false, MODE_NEVER, LEAVE_NOTHING, false, "SRM, the terminal shows what is typed", "xterm, VTE"},
    {20, false, MODE_PASSES, LEAVE_RESET, false, "LNM, line feed is a new line", ALL},
    // DEC private
    {1, true, MODE_PASSES, LEAVE_RESET, false, "DECCKM, cursor keys of applications", ALL},
    {2, true, MODE_NEVER, LEAVE_NOTHING, false, "DECANM, VT52", "xterm, WezTerm, Windows, iTerm2"},
    {3, true, MODE_NEVER, LEAVE_NOTHING, false, "DECCOLM, 132 columns: resizes the window",
     "xterm, VTE, kitty, Windows, iTerm2"},
    {4, true, MODE_PASSES, LEAVE_RESET, true, "DECSCLM, smooth scrolling", "xterm, iTerm2"},
    {5, true, MODE_PASSES, LEAVE_RESET, false, "DECSCNM, reverse video", ALL},
    {6, true, MODE_PASSES, LEAVE_RESET, false, "DECOM, origin", ALL},
    {7, true, MODE_PASSES, LEAVE_SET, false, "DECAWM, wraparound", ALL},
    {8, true, MODE_PASSES, LEAVE_SET, true, "DECARM, auto-repeat of keys",
     "xterm, VTE, kitty, Windows, Linux, iTerm2"},
    {9, true, MODE_PASSES, LEAVE_RESET, false, "mouse: presses", "xterm, VTE, WezTerm, Linux"},
    {10, true, MODE_PASSES, LEAVE_NOTHING, true, "tool bar", "xterm"},
    {12, true, MODE_PASSES, LEAVE_RESET, true, "blinking cursor", "xterm, VTE, kitty, WezTerm, Windows, iTerm2"},
    {13, true, MODE_PASSES, LEAVE_NOTHING, true, "blinking cursor, by the menu", "xterm"},
    {14, true, MODE_PASSES, LEAVE_NOTHING, true, "the two ways to blink exclude each other", "xterm"},
    {18, true, MODE_NEVER, LEAVE_NOTHING, false, "DECPFF, print form feed", "xterm"},
    {19, true, MODE_NEVER, LEAVE_NOTHING, false, "DECPEX, print all of the screen", "xterm"},
    {25, true, MODE_PASSES, LEAVE_SET, false, "DECTCEM, cursor shown", ALL},
    {30, true, MODE_PASSES, LEAVE_NOTHING, true, "scroll bar", "xterm"},
    {35, true, MODE_PASSES, LEAVE_NOTHING, true, "keys that change the font", "xterm"},
    {38, true, MODE_NEVER, LEAVE_NOTHING, false, "DECTEK, Tektronix", "xterm"},
    {40, true, MODE_NEVER, LEAVE_NOTHING, false, "DECCOLM may resize", "xterm, VTE, Windows, iTerm2"},
    {41, true, MODE_PASSES, LEAVE_NOTHING, true, "fix for more(1)", "xterm, iTerm2"},
    {42, true, MODE_PASSES, LEAVE_RESET, true, "DECNRCM, national character sets", "xterm"},
    {43, true, MODE_NEVER, LEAVE_NOTHING, false, "DECGEPM, print expanded graphics", "xterm"},
    {44, true, MODE_PASSES, LEAVE_NOTHING, true, "margin bell", "xterm"},
    {45, true, MODE_PASSES, LEAVE_RESET, true, "reverse wraparound", "xterm, WezTerm, iTerm2"},
    {46, true, MODE_NEVER, LEAVE_NOTHING, false, "log to a file", "xterm"},
    {47, true, MODE_PASSES, LEAVE_RESET, false, "alternate screen", "xterm, VTE, kitty, WezTerm, iTerm2"},
    {66, true, MODE_PASSES, LEAVE_RESET, false, "DECNKM, keypad of applications", "xterm, VTE, Windows, iTerm2"},
    // the user's own, and xterm 379 does not bring it back (XTRESTORE)
    {67, true, MODE_NEVER, LEAVE_NOTHING, false, "DECBKM, Backspace sends BS", "xterm, VTE, Windows"},
    {69, true, MODE_PASSES, LEAVE_RESET, false, "DECLRMM, margins at the sides",
     "xterm, VTE, WezTerm, Windows, iTerm2"},
    {80, true, MODE_PASSES, LEAVE_RESET, true, "DECSDM, Sixel does not scroll",
     "xterm, VTE, WezTerm, Windows, iTerm2"},
    {95, true, MODE_NEVER, LEAVE_NOTHING, false, "DECNCSM, DECCOLM does not clear", "xterm, Windows"},
    {117, true, MODE_PASSES, LEAVE_RESET, false, "DECECM, erasing with the default colour", "Windows"},
    {1000, true, MODE_PASSES, LEAVE_RESET, false, "mouse: presses and releases", ALL},
    {1001, true, MODE_PASSES, LEAVE_RESET, false, "mouse: highlighting", "xterm, VTE, iTerm2"},
    {1002, true, MODE_PASSES, LEAVE_RESET, false, "mouse: motion while pressed",
     "xterm, VTE, kitty, WezTerm, Windows, iTerm2"},
    {1003, true, MODE_PASSES, LEAVE_RESET, false, "mouse: any motion", "xterm, VTE, kitty, WezTerm, Windows, iTerm2"},
    {1004, true, MODE_PASSES, LEAVE_RESET, false, "reports of the focus",
     "xterm, VTE, kitty, WezTerm, Windows, iTerm2"},
    {1005, true, MODE_PASSES, LEAVE_RESET, false, "mouse: in UTF-8", "xterm, kitty, WezTerm, Windows, iTerm2"},
    {1006, true, MODE_PASSES, LEAVE_RESET, false, "mouse: as SGR", "xterm, VTE, kitty, WezTerm, Windows, iTerm2"},
    {1007, true, MODE_PASSES, LEAVE_NOTHING, true, "the wheel sends cursor keys on the alternate screen",
     "xterm, VTE, Windows, iTerm2"},
    {1010, true, MODE_PASSES, LEAVE_NOTHING, true, "output scrolls down", "xterm"},
    {1011, true, MODE_PASSES, LEAVE_NOTHING, true, "a key scrolls down", "xterm"},
    {1014, true, MODE_PASSES, LEAVE_NOTHING, true, "fast scrolling", "xterm"},
    {1015, true, MODE_PASSES, LEAVE_RESET, false, "mouse: as urxvt", "xterm, kitty, iTerm2"},
    {1016, true, MODE_PASSES, LEAVE_RESET, false, "mouse: in pixels", "xterm, kitty, WezTerm, iTerm2"},
    {1034, true, MODE_PASSES, LEAVE_NOTHING, true, "Meta sets the eighth bit", "xterm"},
    {1035, true, MODE_PASSES, LEAVE_NOTHING, true, "modifiers of Alt and NumLock", "xterm"},
    {1036, true, MODE_PASSES, LEAVE_NOTHING, true, "Meta sends ESC", "xterm, VTE, iTerm2"},
    {1037, true, MODE_PASSES, LEAVE_NOTHING, true, "Delete sends DEL", "xterm"},
    {1039, true, MODE_PASSES, LEAVE_NOTHING, true, "Alt sends ESC", "xterm"},
    {1040, true, MODE_PASSES, LEAVE_NOTHING, true, "a selection is kept", "xterm"},
    {1041, true, MODE_PASSES, LEAVE_NOTHING, true, "a selection goes to the clipboard", "xterm"},
    {1042, true, MODE_PASSES, LEAVE_NOTHING, true, "a bell is urgent", "xterm"},
    {1043, true, MODE_PASSES, LEAVE_NOTHING, true, "a bell raises the window", "xterm"},
    {1044, true, MODE_PASSES, LEAVE_NOTHING, true, "the clipboard's data is kept", "xterm"},
    {1045, true, MODE_PASSES, LEAVE_RESET, true, "extended reverse wraparound", "xterm"},
    {1046, true, MODE_NEVER, LEAVE_NOTHING, false, "the alternate screen may be switched to", "xterm"},
    {1047, true, MODE_PASSES, LEAVE_RESET, false, "alternate screen, cleared", "xterm, VTE, kitty, WezTerm, iTerm2"},
    {1048, true, MODE_PASSES, LEAVE_NOTHING, false, "saves the cursor",
     "xterm, VTE, kitty, WezTerm, Windows, iTerm2"},
    {1049, true, MODE_PASSES, LEAVE_RESET, false, "alternate screen, cleared, the cursor saved",
     "xterm, VTE, kitty, WezTerm, Windows, iTerm2"},
    {1050, true, MODE_PASSES, LEAVE_NOTHING, true, "function keys of terminfo", "xterm"},
    {1051, true, MODE_PASSES, LEAVE_NOTHING, true, "function keys of Sun", "xterm"},
    {1052, true, MODE_PASSES, LEAVE_NOTHING, true, "function keys of HP", "xterm"},
    {1053, true, MODE_PASSES, LEAVE_NOTHING, true, "function keys of SCO", "xterm"},
    {1060, true, MODE_PASSES, LEAVE_NOTHING, true, "keyboard of X11R6", "xterm"},
    {1061, true, MODE_PASSES, LEAVE_NOTHING, true, "keyboard of a VT220", "xterm"},
    {1070, true, MODE_PASSES, LEAVE_NOTHING, true, "each picture has its own colours", "xterm, VTE, WezTerm, iTerm2"},
    {1337, true, MODE_PASSES, LEAVE_RESET, false, "reports of keys that are let go", "iTerm2"},
    {2001, true, MODE_PASSES, LEAVE_RESET, false, "readline: a click moves", "xterm"},
    {2002, true, MODE_PASSES, LEAVE_RESET, false, "readline: a click moves the selection", "xterm"},
    {2003, true, MODE_PASSES, LEAVE_RESET, false, "readline: a double click deletes", "xterm"},
    {2004, true, MODE_NEEDED, LEAVE_RESET, false, "bracketed paste", ALL},
    {2005, true, MODE_PASSES, LEAVE_RESET, false, "readline: characters are quoted", "xterm"},
    {2006, true, MODE_PASSES, LEAVE_RESET, false, "readline: new lines are pasted", "xterm"},
    {2026, true, MODE_PASSES, LEAVE_RESET, false, "synchronized output", "VTE, kitty, WezTerm, Windows, iTerm2"},
    {2027, true, MODE_PASSES, LEAVE_RESET, false, "clusters of characters", "WezTerm, Windows"},
    {2031, true, MODE_PASSES, LEAVE_RESET, false, "reports of the colour scheme", "VTE, kitty, iTerm2"},
    {2048, true, MODE_NEVER, LEAVE_RESET, false, "reports of the size: the program would be told the viewer's",
     "kitty, iTerm2"},
    {2500, true, MODE_PASSES, LEAVE_RESET, true, "box drawing is mirrored", "VTE"},
    {2501, true, MODE_PASSES, LEAVE_RESET, true, "direction by the text", "VTE"},
    {5522, true, MODE_PASSES, LEAVE_RESET, false, "paste events", "kitty"},
    {7727, true, MODE_PASSES, LEAVE_RESET, false, "escape key of applications", "xterm.js, mintty"},
    {8452, true, MODE_PASSES, LEAVE_NOTHING, true, "Sixel leaves the cursor at its right", "xterm, WezTerm"},
    {9001, true, MODE_PASSES, LEAVE_RESET, false, "key records of Windows", "WezTerm, Windows"},
    {19997, true, MODE_NEVER, LEAVE_NOTHING, false, "the terminal sends signals", "kitty"},
};
const size_t mode_rule_count = sizeof mode_rules / sizeof *mode_rules;

void set_modes_we_need(struct bytes *out) {
  for (size_t i = 0; i < mode_rule_count; i++) {
    if (mode_rules[i].passage != MODE_NEEDED) continue;
    char text[24];
    snprintf(text, sizeof text, "\x1b[%s%uh", mode_rules[i].dec ? "?" : "", (unsigned)mode_rules[i].mode);
    bytes_text(out, text);
  }
}

bool mode_may(bool dec, double mode, uint8_t final) {
  for (size_t i = 0; i < mode_rule_count; i++) {
    const struct mode_rule *rule = &mode_rules[i];
    if (rule->dec == dec && mode == rule->mode)
      return rule->passage == MODE_PASSES || (rule->passage == MODE_NEEDED && final == 'h');
  }
  return false;
}
