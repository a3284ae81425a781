import { UsageError } from "../errors/failure.ts"
import type { FlagInfo } from "./flags.ts"
import { suggest } from "./suggest.ts"

/**
 * Puts arguments into the only order that @effect/cli reads unambiguously: flags first, repeated ones side by side,
 * switches with their value, then `--` and the positionals. So users can write flags before or after positionals.
 * Throws `UsageError` if a flag is unknown, or its value is missing or empty.
 */
export const canonicalArguments = (
  argv: ReadonlyArray<string>,
  flags: ReadonlyArray<FlagInfo>
): ReadonlyArray<string> => {
  const byName = new Map<string, FlagInfo>(
    flags.flatMap((flag) => [
      [`--${flag.name}`, flag] as const,
      ...(flag.alias === undefined ? [] : [[`-${flag.alias}`, flag] as const])
    ])
  )
  const given = new Map<FlagInfo, Array<string>>()
  const positionals: Array<string> = []
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? ""
    if (argument === "--") {
      positionals.push(...argv.slice(index + 1))
      break
    }
    if (!argument.startsWith("-") || argument === "-") {
      positionals.push(argument)
      continue
    }
    const [written, inline] = splitAtEquals(argument)
    const flag = byName.get(written)
    if (flag === undefined) throw unknownFlag(written, flags)
    const values = given.get(flag) ?? []
    if (flag.value === undefined) {
      values.push(inline ?? "true")
    } else {
      const value = inline ?? argv[++index]
      if (value === undefined || (inline === undefined && byName.has(splitAtEquals(value)[0]))) {
        throw new UsageError({ message: `${written} needs a value`, fix: `write ${written} ${flag.value}` })
      }
      if (value === "" && !flag.mayBeEmpty) {
        throw new UsageError({
          message: `the value of ${written} is empty`,
          fix: `write ${written} ${flag.value}, or leave it out`
        })
      }
      values.push(value)
    }
    if (values.length > 1 && !flag.repeated && flag.value !== undefined) {
      throw new UsageError({ message: `${written} is given twice`, fix: "give it once" })
    }
    given.set(flag, values)
  }
  const sorted = [...given].flatMap(([flag, values]) =>
    (flag.repeated ? values : values.slice(-1)).flatMap((value) => [`--${flag.name}`, value])
  )
  return positionals.length === 0 ? sorted : [...sorted, "--", ...positionals]
}

const splitAtEquals = (argument: string): readonly [string, string | undefined] => {
  const at = argument.indexOf("=")
  return at > 0 && argument.startsWith("-") ? [argument.slice(0, at), argument.slice(at + 1)] : [argument, undefined]
}

const unknownFlag = (written: string, flags: ReadonlyArray<FlagInfo>) => {
  const near = suggest(
    written,
    flags.map((flag) => `--${flag.name}`)
  )
  return new UsageError({
    message: `unknown flag ${written}`,
    ...(near === undefined ? {} : { fix: `did you mean ${near}?` })
  })
}
