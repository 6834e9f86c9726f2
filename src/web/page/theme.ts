// Light or dark: as the machine has it, or as was chosen here.

const place = "falcon-theme";
const asked = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen === undefined ? asked.matches : chosen === "dark";
}

/** Calls whenever it changes. Answers what ends that. */
export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function startTheme(): void {
  const chosen = sessionStorage.getItem(place);
  if (chosen !== null) document.documentElement.dataset.theme = chosen;
  asked.addEventListener("change", tell);
}

export function switchTheme(): void {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  sessionStorage.setItem(place, next);
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}
