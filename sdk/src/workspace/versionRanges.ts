import semver from "semver"

/** Whether a version satisfies a range, by npm's rules; undefined if the text isn't a range (a tag, a URL). */
export const fitsRange = (version: string, written: string): boolean | undefined => {
  // Matches any version, including prereleases.
  if (/^(\*|x|)$/i.test(written.trim())) return true
  return semver.validRange(written, true) === null ? undefined : semver.satisfies(version, written, true)
}
