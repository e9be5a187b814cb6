// Not form.submit(): a parameter may be called "submit".
HTMLFormElement.prototype.submit.call(document.forms[0]);
