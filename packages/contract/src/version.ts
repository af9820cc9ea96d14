/** Version of the management interface. Clients compare it; it says nothing about the product's own version. */
export const interfaceVersion = '0.11.0'
