/** Variables that name a proxy for nearly every tool, in upper or lower case. */
export const proxyName = /^(https?|all)_proxy$/i
/** The variable of the hosts that are asked without one. */
export const noProxyName = /^no_proxy$/i

/** May the value of such a variable hold a password? What can't be read as a URL counts. */
export const mayHoldPassword = (value: string): boolean => value.includes("@")
