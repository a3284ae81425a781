import { Either } from "effect"

/**
 * Splits a command line into words. Quotes and backslashes work as in a shell; nothing else is special. Left: the problem.
 */
export const shellWords = (text: string): Either.Either<ReadonlyArray<string>, string> => {
  const words: Array<string> = []
  let word: string | undefined
  let quote = ""
  for (let at = 0; at < text.length; at++) {
    const here = text.charAt(at)
    const next = text.charAt(at + 1)
    if (quote === "'") {
      if (here === "'") quote = ""
      else word += here
    } else if (here === "\\" && (quote === "" || '"\\$`'.includes(next))) {
      if (next === "") return Either.left("it ends with a backslash")
      word = (word ?? "") + next
      at++
    } else if (quote === '"') {
      if (here === '"') quote = ""
      else word += here
    } else if (here === "'" || here === '"') {
      quote = here
      word ??= ""
    } else if (/\s/.test(here)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? "") + here
  }
  if (quote !== "") return Either.left(`its quote ${quote} isn't closed`)
  if (word !== undefined) words.push(word)
  return words.length === 0 ? Either.left("it is empty") : Either.right(words)
}
