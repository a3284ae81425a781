/** Variables that name a proxy for nearly every tool, in upper or lower case. */
export const proxyName = /^(https?|all)_proxy$/i
/** The variable for hosts to reach without a proxy. */
export const noProxyName = /^no_proxy$/i

/** May the value of such a variable contain a password? An unparsable URL counts as one. */
export const mayHoldPassword = (value: string): boolean => value.includes("@")
