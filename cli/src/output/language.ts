/** MAXCLOUD_LANG, else the system's language (POSIX: LC_ALL before LC_MESSAGES before LANG). Anything but German means English. */
export const systemLanguage = (env: Readonly<Record<string, string | undefined>>): "de" | "en" => {
  const said = env["MAXCLOUD_LANG"] || env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || ""
  return /^de([_.@-]|$)/i.test(said) ? "de" : "en"
}
