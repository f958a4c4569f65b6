// Stands in for react-remove-scroll in the dialogs: see build.mjs.
export const RemoveScroll = ({ children }) => children;
