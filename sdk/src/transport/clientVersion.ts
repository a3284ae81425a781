/** The version of the SDK, from `package.json`. The commands are released with the same version. */
export const clientVersion = "0.1.0"

/** The `User-Agent` of a client on Node (RFC 9110, 10.1.5). Browsers send their own. */
export const userAgent = `maxcloud-sdk/${clientVersion}`

/** Longer than any honest value. The rest is ignored. */
const longestField = 500

/** The version of the SDK in a `User-Agent`, without anything after its three numbers; undefined if there is no valid one. */
export const clientVersionIn = (field: string | undefined): string | undefined =>
  /(?:^| )maxcloud-sdk\/(\d{1,6}\.\d{1,6}\.\d{1,6})(?![\w.])/.exec((field ?? "").slice(0, longestField))?.[1]

const numbersOf = (version: string) => version.split(".").map(Number)

/** Whether a version of three numbers is older than another. */
export const isOlder = (version: string, other: string): boolean => {
  const others = numbersOf(other)
  const differences = numbersOf(version).map((each, at) => each - (others[at] ?? 0))
  return (differences.find((each) => each !== 0) ?? 0) < 0
}
