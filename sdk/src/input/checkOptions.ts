import { InvalidRequest } from "../api/errors.ts"
import { type OptionKinds, optionsFault } from "./options.ts"

/** Throws `InvalidRequest` if the options of a function aren't valid. For functions that return no Effect. */
export const checkOptions = <O extends object>(name: string, given: O | undefined, kinds: OptionKinds<O>): void => {
  const fault = optionsFault(given, kinds)
  if (fault !== undefined) throw new InvalidRequest({ detail: `${name}: ${fault}`, errors: [] })
}
