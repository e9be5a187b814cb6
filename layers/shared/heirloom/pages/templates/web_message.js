const { targetOrigin, response } = document.getElementById("message").dataset;
(window.opener || window.parent).postMessage({ type: "authorization_response", response: JSON.parse(response) }, targetOrigin);
