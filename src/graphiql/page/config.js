// What the gateway says to the page: `token` to begin with, and whether there are `subscriptions`.
export const config = JSON.parse(document.getElementById('config').textContent);
