/** The version of the SDK, and of the commands, which are released with it: that of `package.json`. */
export const clientVersion = "0.1.0"

/** What a client on Node says of itself (RFC 9110, 10.1.5). A browser says what it is by itself. */
export const userAgent = `maxcloud-sdk/${clientVersion}`

/** Longer than any that is honest: the rest isn't looked at. */
const longestField = 500

/** The version of the SDK in a `User-Agent`, without what follows its three numbers; undefined if there is none that can be read. */
export const clientVersionIn = (field: string | undefined): string | undefined =>
  /(?:^| )maxcloud-sdk\/(\d{1,6}\.\d{1,6}\.\d{1,6})(?![\w.])/.exec((field ?? "").slice(0, longestField))?.[1]

const numbersOf = (version: string) => version.split(".").map(Number)

/** Is a version of three numbers older than another? */
export const isOlder = (version: string, other: string): boolean => {
  const others = numbersOf(other)
  const differences = numbersOf(version).map((each, at) => each - (others[at] ?? 0))
  return (differences.find((each) => each !== 0) ?? 0) < 0
}
