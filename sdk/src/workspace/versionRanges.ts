import semver from "semver"

/** Does a version satisfy a range, by npm's rules? undefined: the text isn't a range (a tag, an address). */
export const fitsRange = (version: string, written: string): boolean | undefined => {
  // Of any version, those before a release too.
  if (/^(\*|x|)$/i.test(written.trim())) return true
  return semver.validRange(written, true) === null ? undefined : semver.satisfies(version, written, true)
}
