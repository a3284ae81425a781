import semver from "semver"

/** Does a version fit a range? undefined: what is written is no range (a tag, an address). As npm reads them. */
export const fitsRange = (version: string, written: string): boolean | undefined => {
  // Of any version, those before a release too.
  if (/^(\*|x|)$/i.test(written.trim())) return true
  return semver.validRange(written, true) === null ? undefined : semver.satisfies(version, written, true)
}
